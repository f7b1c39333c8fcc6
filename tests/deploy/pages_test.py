#!/usr/bin/env python3
"""Man pages and completions: made of what the programs say, and whole.

usage: pages_test.py BIN_DIR
"""
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

DEPLOY = pathlib.Path(__file__).resolve().parents[2] / "deploy"
sys.path.insert(0, str(DEPLOY))
import help_text  # noqa: E402
import skips  # noqa: E402

BINARIES = sys.argv[1]


def needs(program):
    return unittest.skipUnless(shutil.which(program),
                               f"SKIPPED: there is no {program}")


class HelpTextTest(unittest.TestCase):
    def test_a_whole_help(self):
        command = help_text.parse("""What it is for,
in two lines
Usage: /some/where/prog sub [OPTIONS] file

Positionals:
  file TEXT REQUIRED          The file

Options:
  -k,--count INT=10           How many
  --kind TEXT:{a,b}=a Excludes: --count
                              Which one
  --yes                       Do not ask

Subcommands:
  more                        What is more
""", ["prog", "sub"])
        self.assertEqual(command.description, "What it is for, in two lines")
        self.assertEqual(command.usage, "prog sub [OPTIONS] file")
        self.assertEqual([o.names for o in command.options],
                         [["-k", "--count"], ["--kind"], ["--yes"]])
        self.assertEqual([o.choices() for o in command.options],
                         [[], ["a", "b"], []])
        self.assertEqual(command.options[1].description, "Which one")
        self.assertEqual(command.positionals[0].names, ["file"])
        self.assertEqual(command.subcommands[0].path, ["prog", "sub", "more"])


class PagesTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.TemporaryDirectory(prefix="taud-pages-")
        cls.out = pathlib.Path(cls.directory.name)
        for script, arguments in (
                ("man_pages.py", ["1.2.3", "2026-01-02", cls.out / "man"]),
                ("completions.py", [cls.out])):
            subprocess.run([sys.executable, DEPLOY / script, BINARIES,
                            *arguments], check=True)
        cls.tauctl = help_text.read(f"{BINARIES}/tauctl", "tauctl")

    @classmethod
    def tearDownClass(cls):
        cls.directory.cleanup()

    def page(self, name):
        text = (self.out / "man" / name).read_text(encoding="utf-8")
        return text.replace("\\-", "-")

    def test_the_page_of_tauctl_has_every_command_and_option(self):
        page = self.page("tauctl.1")
        for command in list(self.tauctl.everything())[1:]:
            self.assertIn(f".SS {' '.join(command.path[1:])}\n", page)
            for option in command.options:
                for name in option.names:
                    self.assertIn(f"\\fB{name}\\fR", page)

    def test_the_page_of_the_configuration_has_every_key(self):
        page = self.page("taud.yaml.5")
        text = subprocess.run([f"{BINARIES}/taud", "--print-config"],
                              check=True, capture_output=True,
                              text=True).stdout
        keys = [line.strip().split(":")[0] for line in text.splitlines()
                if line.startswith("  ") and line.strip()[0] != "#"]
        self.assertGreater(len(keys), 30)
        for key in keys:
            self.assertIn(f"\n\\fB{key}\\fR\n", page)

    @needs("man")
    def test_man_has_nothing_to_complain_of(self):
        for page in ("taud.8", "taud.yaml.5", "tauctl.1"):
            result = subprocess.run(
                ["man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z",
                 self.out / "man" / page], capture_output=True, text=True,
                env={"LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin",
                     "MANWIDTH": "80"})
            self.assertEqual(result.stderr, "", page)

    # What is offered after the words, the last of which is being typed.
    CASES = (
        (["tauctl", "stat"], {"status"}, {"recommend", "--json"}),
        (["tauctl", "lab", ""], {"run", "grid", "table"}, {"status"}),
        (["tauctl", "lab", "run", "--backbone", ""],
         {"mf", "lightgcn", "ngcf"}, {"--data"}),
        (["tauctl", "recommend", "u1", "--exp"], {"--explore"}, {"--data"}),
        (["tauctl", "status", "--serv"], {"--server"}, {"--version"}),
        (["taud", "--print"], {"--print-config"}, {"--data-dir"}),
    )

    def check(self, offer):
        for words, wanted, unwanted in self.CASES:
            with self.subTest(words=words):
                offered = set(offer(words))
                self.assertLessEqual(wanted, offered)
                self.assertEqual(offered & unwanted, set())

    @needs("bash")
    def test_bash(self):
        def offer(words):
            script = (f'source {self.out}/bash/{words[0]}; COMP_WORDS=("$@"); '
                      "COMP_CWORD=$(($# - 1)); "
                      f'_{words[0]}; printf "%s\\n" "${{COMPREPLY[@]}}"')
            return subprocess.run(["bash", "-uc", script, "bash", *words],
                                  check=True, capture_output=True,
                                  text=True).stdout.split()
        self.check(offer)

    @needs("fish")
    def test_fish(self):
        def offer(words):
            script = (f"source {self.out}/fish/{words[0]}.fish; "
                      f'complete -C "{" ".join(words)}"')
            out = subprocess.run(["fish", "-c", script], check=True,
                                 capture_output=True, text=True,
                                 env={"HOME": str(self.out),
                                      "PATH": "/usr/bin:/bin"}).stdout
            return [line.split("\t")[0] for line in out.splitlines()]
        self.check(offer)

    @needs("zsh")
    def test_zsh(self):
        # The functions of its completion system, as far as they are called:
        # they print what they would offer for the word.
        stubs = r'''
          _describe() { for entry in ${(P)2}; do print -- ${entry%%:*}; done }
          compadd() { shift; print -l -- "$@" }
          _files() { }
          words=("$@"); CURRENT=$#; '''

        def offer(words):
            out = subprocess.run(
                ["zsh", "-fc", stubs + f". {self.out}/zsh/_{words[0]}", "zsh",
                 *words], check=True, capture_output=True, text=True).stdout
            return [w for w in out.split() if w.startswith(words[-1])]
        self.check(offer)


if __name__ == "__main__":
    skips.main()
