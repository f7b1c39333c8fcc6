"""What a program says of itself with --help, read into commands and options.

Man pages and completions are made from it, so that they never say anything
else than the program does.
"""
import dataclasses
import re
import subprocess


@dataclasses.dataclass
class Option:
    names: list          # ["-k", "--count"]; of a positional its name
    value: str           # "TEXT:{a,b}=a", empty for a flag
    description: str

    def choices(self):
        """The words that the value may be; none if it is free."""
        found = re.search(r":\{([^}]*)\}", self.value)
        return found.group(1).split(",") if found else []


@dataclasses.dataclass
class Command:
    path: list           # ["tauctl", "items", "get"]
    description: str = ""
    usage: str = ""
    positionals: list = dataclasses.field(default_factory=list)
    options: list = dataclasses.field(default_factory=list)
    subcommands: list = dataclasses.field(default_factory=list)

    def everything(self):
        """This command and all below it."""
        yield self
        for command in self.subcommands:
            yield from command.everything()


# Where the second column begins, if the first leaves room for it.
COLUMN = 30


def entries(lines):
    """(first column, description) of each entry of a block."""
    found = []
    for line in lines:
        if line.startswith(" " * COLUMN):
            found[-1][1] = f"{found[-1][1]} {line.strip()}".strip()
            continue
        text = line.strip()
        # The columns are two spaces apart at least.
        first, _, rest = text.partition("  ")
        if not rest and len(line) > COLUMN and line[COLUMN - 1] == " ":
            first, rest = text[:COLUMN - 2], text[COLUMN - 2:]
        found.append([first.strip(), rest.strip()])
    return found


def option(first, description):
    names, _, value = first.partition(" ")
    return Option(names.split(","), value.strip(), description)


def parse(text, path):
    """The command of one --help; its sub-commands have a name and a line."""
    command = Command(path)
    block, blocks = None, {}
    for line in text.splitlines():
        if re.fullmatch(r"[A-Z][a-z]+s:", line):
            block = blocks.setdefault(line[:-1], [])
        elif not line.strip():
            block = None if block is None else block
        elif line.startswith("Usage: "):
            # The program's own path is nobody's business.
            rest = line[len("Usage: "):].split(" ")[len(path):]
            command.usage = " ".join(path + rest)
        elif block is not None:
            block.append(line)
        else:
            command.description = f"{command.description} {line}".strip()
    command.positionals = [option(*e) for e in
                           entries(blocks.get("Positionals", []))]
    command.options = [option(*e) for e in entries(blocks.get("Options", []))]
    command.subcommands = [
        Command(path + [name], description)
        for name, description in entries(blocks.get("Subcommands", []))]
    return command


def read(binary, name):
    """The program with all its sub-commands."""
    return read_below(binary, [name])


def read_below(binary, path):
    text = subprocess.run([binary, *path[1:], "--help"], check=True,
                          capture_output=True, text=True).stdout
    command = parse(text, path)
    command.subcommands = [read_below(binary, c.path)
                           for c in command.subcommands]
    return command
