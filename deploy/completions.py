#!/usr/bin/env python3
"""Writes the completions of taud and tauctl for bash, zsh and fish, from what
the programs say.

usage: completions.py BIN_DIR OUT_DIR
makes OUT_DIR/bash/NAME, OUT_DIR/zsh/_NAME and OUT_DIR/fish/NAME.fish
"""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import help_text  # noqa: E402


def quoted(text):
    return "'" + text.replace("'", "'\\''") + "'"


def fish_quoted(text):
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def path_of(command):
    return " ".join(command.path)


def short(text):
    """The first sentence: a line of a menu has no room for more."""
    return text.split(". ")[0].split("; ")[0]


def options_of(root, command):
    """Its own, and the root's, which may stand behind any command."""
    own = list(command.options)
    names = {n for o in own for n in o.names}
    if command is not root:
        own += [o for o in root.options
                if not names.intersection(o.names) and "--version" not in o.names]
    return own


def valued(root, command):
    return [o for o in options_of(root, command) if o.value]


def below(root):
    return [c for c in root.everything() if c is not root]


def walk(root, shell_words):
    """Shell code that finds the command which the words before lead to."""
    lines = [f"  local at={root.path[0]} word",
             f"  for word in {shell_words}; do"]
    if below(root):
        known = "|".join(quoted(path_of(c)) for c in below(root))
        lines += ['    case "$at $word" in', f'      {known}) at="$at $word" ;;',
                  "    esac"]
    else:
        lines += ["    :"]
    return lines + ["  done"]


def bash(root):
    name = root.path[0]
    lines = [f"# Completion of {name} for bash; made from its --help.",
             f"_{name}() {{",
             '  local cur=${COMP_WORDS[COMP_CWORD]}',
             '  local prev=${COMP_WORDS[COMP_CWORD-1]}',
             *walk(root, '"${COMP_WORDS[@]:1:COMP_CWORD-1}"'),
             "  local options= commands=",
             '  case "$at" in']
    for command in root.everything():
        names = " ".join(n for o in options_of(root, command) for n in o.names)
        words = " ".join(c.path[-1] for c in command.subcommands)
        lines += [f"    {quoted(path_of(command))})",
                  f"      options={quoted(names)}",
                  f"      commands={quoted(words)} ;;"]
    lines += ["  esac", '  case "$at $prev" in']
    for command in root.everything():
        for option in valued(root, command):
            places = "|".join(quoted(f"{path_of(command)} {n}")
                              for n in option.names)
            action = 'COMPREPLY=($(compgen -f -- "$cur"))'
            if option.choices():
                words = quoted(" ".join(option.choices()))
                action = f'COMPREPLY=($(compgen -W {words} -- "$cur"))'
            lines.append(f"    {places}) {action}; return ;;")
    lines += ["    *) ;;", "  esac",
              '  if [[ $cur == -* ]]; then',
              '    COMPREPLY=($(compgen -W "$options" -- "$cur"))',
              '  elif [[ -n $commands ]]; then',
              '    COMPREPLY=($(compgen -W "$commands" -- "$cur"))',
              "  else",
              '    COMPREPLY=($(compgen -f -- "$cur"))',
              "  fi", "}", f"complete -o filenames -F _{name} {name}"]
    return lines


def zsh(root):
    name = root.path[0]

    def described(pairs):
        return " ".join(quoted(f"{n.replace(':', chr(92) + ':')}:{short(d)}")
                        for n, d in pairs)

    lines = [f"#compdef {name}",
             f"# Completion of {name} for zsh; made from its --help.",
             f"_{name}() {{",
             *walk(root, "${words[2,CURRENT-1]}"),
             "  local -a options commands",
             '  case "$at" in']
    for command in root.everything():
        options = [(n, o.description) for o in options_of(root, command)
                   for n in o.names]
        commands = [(c.path[-1], c.description) for c in command.subcommands]
        lines += [f"    {quoted(path_of(command))})",
                  f"      options=({described(options)})",
                  f"      commands=({described(commands)}) ;;"]
    lines += ["  esac", '  case "$at ${words[CURRENT-1]}" in']
    for command in root.everything():
        for option in valued(root, command):
            places = "|".join(quoted(f"{path_of(command)} {n}")
                              for n in option.names)
            action = "_files"
            if option.choices():
                words = " ".join(quoted(c) for c in option.choices())
                action = f"compadd -- {words}"
            lines.append(f"    {places}) {action}; return ;;")
    return lines + [
        "  esac",
        "  if [[ ${words[CURRENT]} == -* ]]; then",
        "    _describe option options",
        "  elif (( ${#commands} )); then",
        "    _describe command commands",
        "  else",
        "    _files",
        "  fi", "}", f'_{name} "$@"']


def fish(root):
    name = root.path[0]
    lines = [f"# Completion of {name} for fish; made from its --help.",
             f"function __fish_{name}_at",
             f"  set -l at {name}",
             "  set -l words (commandline -opc)",
             "  for word in $words[2..-1]",
             '    switch "$at $word"']
    for command in below(root):
        lines += [f"      case {fish_quoted(path_of(command))}",
                  f"        set at {fish_quoted(path_of(command))}"]
    lines += ["    end", "  end", '  test "$at" = "$argv[1]"', "end"]
    for command in root.everything():
        where = (f"complete -c {name} -n "
                 + fish_quoted(f'__fish_{name}_at "{path_of(command)}"'))
        for below_it in command.subcommands:
            lines.append(f"{where} -f -a {below_it.path[-1]} "
                         f"-d {fish_quoted(short(below_it.description))}")
        for option in options_of(root, command):
            words = [where]
            for option_name in option.names:
                dashes = "-l" if option_name.startswith("--") else "-s"
                words.append(f"{dashes} {option_name.lstrip('-')}")
            if option.choices():
                words.append(f"-x -a {fish_quoted(' '.join(option.choices()))}")
            elif option.value:
                words.append("-r")
            words.append(f"-d {fish_quoted(short(option.description))}")
            lines.append(" ".join(words))
    return lines


def main():
    binaries, out = sys.argv[1:]
    for name in ("taud", "tauctl"):
        root = help_text.read(f"{binaries}/{name}", name)
        for path, lines in ((f"bash/{name}", bash(root)),
                            (f"zsh/_{name}", zsh(root)),
                            (f"fish/{name}.fish", fish(root))):
            file = pathlib.Path(out, path)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
