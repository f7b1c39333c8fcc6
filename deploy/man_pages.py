#!/usr/bin/env python3
"""Writes taud.8, taud.yaml.5 and tauctl.1 from what the programs say.

usage: man_pages.py BIN_DIR VERSION DATE OUT_DIR
"""
import pathlib
import re
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import help_text  # noqa: E402


def escaped(text):
    """`text` as roff prints it: nothing of it is a request or an escape."""
    text = text.replace("\\", r"\e").replace("-", r"\-")
    text = text.replace("τ", r"\[*t]").replace("…", "...")
    return re.sub(r"^([.'])", r"\\&\1", text, flags=re.M)


def header(name, section, line, version, date):
    return [f'.TH {name.upper()} {section} "{date}" "taud {version}"',
            ".ad l", ".SH NAME", f"{name} \\- {escaped(line)}"]


def option_entries(options):
    lines = []
    for option in options:
        value = re.sub(r" ?REQUIRED", "", option.value)
        names = ", ".join(rf"\fB{escaped(n)}\fR" for n in option.names)
        lines += [".TP", f"{names} {escaped(value)}".strip(),
                  escaped(option.description)]
    return lines


def daemon_page(command, version, date):
    lines = header("taud", 8, "recommendation daemon that learns from a stream",
                   version, date)
    lines += [".SH SYNOPSIS", rf"\fBtaud\fR [\fIOPTIONS\fR]",
              ".SH DESCRIPTION", escaped(command.description),
              ".SH OPTIONS", *option_entries(command.options),
              ".SH SIGNALS",
              "SIGTERM and SIGINT drain: accepted calls are finished, the model"
              " is saved, and the program exits with 0. A second one exits at"
              r" once, with 1; nothing acknowledged is lost.",
              ".SH ENVIRONMENT",
              ".TP", r"\fBNOTIFY_SOCKET\fR, \fBWATCHDOG_USEC\fR",
              r"Where the service manager listens; see \fBsd_notify\fR(3).",
              ".TP", r"\fBOPENBLAS_CORETYPE\fR",
              "The vector instructions to multiply with; chosen if not set.",
              ".SH FILES",
              ".TP", r"\fI/etc/taud/taud.yaml\fR",
              r"The configuration of the service; see \fBtaud.yaml\fR(5).",
              ".TP", r"\fI/var/lib/taud\fR",
              "The data of the service.",
              ".SH SEE ALSO", r"\fBtauctl\fR(1), \fBtaud.yaml\fR(5)"]
    return lines


def configuration_page(binary, version, date):
    text = subprocess.run([binary, "--print-config"], check=True,
                          capture_output=True, text=True).stdout
    lines = header("taud.yaml", 5, "configuration of taud", version, date)
    lines += [".SH DESCRIPTION",
              r"The file that \fBtaud \-\-config\fR reads, in YAML. An unknown"
              " key, a wrong type or a value out of range stops the start.",
              ".SH KEYS"]
    comment = []
    for line in text.splitlines():
        stripped = line.strip()
        key = re.fullmatch(r"(\w+):(.*)", stripped)
        if stripped.startswith("#"):
            comment.append(stripped[1:].strip())
            continue
        if key and not line.startswith(" "):
            lines += [f".SS {key.group(1)}", escaped(" ".join(comment))]
        elif key:
            lines += [".TP", rf"\fB{key.group(1)}\fR",
                      escaped(" ".join(comment))]
        comment = []
    return lines + [".SH SEE ALSO", r"\fBtaud\fR(8)"]


def client_page(command, version, date):
    lines = header("tauctl", 1, "everything a person does with taud", version,
                   date)
    lines += [".SH SYNOPSIS", r"\fBtauctl\fR [\fIOPTIONS\fR] \fICOMMAND\fR ...",
              ".SH DESCRIPTION", escaped(command.description),
              ".SH OPTIONS", "They may stand behind the command, too.",
              *option_entries(command.options), ".SH COMMANDS"]
    for below in list(command.everything())[1:]:
        lines += [f".SS {escaped(' '.join(below.path[1:]))}",
                  escaped(below.description)]
        options = [o for o in below.options if "--help" not in o.names]
        lines += option_entries(below.positionals + options)
    return lines + [".SH ENVIRONMENT", ".TP", r"\fBTAUD_SERVER\fR",
                    r"What \fB\-\-server\fR is if it is not given.",
                    ".SH SEE ALSO", r"\fBtaud\fR(8)"]


def main():
    binaries, version, date, out = sys.argv[1:]
    taud, tauctl = f"{binaries}/taud", f"{binaries}/tauctl"
    pages = {
        "taud.8": daemon_page(help_text.read(taud, "taud"), version, date),
        "taud.yaml.5": configuration_page(taud, version, date),
        "tauctl.1": client_page(help_text.read(tauctl, "tauctl"), version,
                                date),
        "tauctl-lab.1": [".so man1/tauctl.1"],
    }
    pathlib.Path(out).mkdir(parents=True, exist_ok=True)
    for name, lines in pages.items():
        text = "\n".join(line for line in lines if line) + "\n"
        pathlib.Path(out, name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
