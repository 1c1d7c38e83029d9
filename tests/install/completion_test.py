# Guards shell completion: a real bash is asked what it would offer; zsh reads its script where there is one.
"""usage: completion_test.py MUSTER_BINARY"""
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

from share import listed, options_in, told

MUSTER = sys.argv.pop(1)
# Splits each line as readline does, at blanks and at =, and prints what the function of the command offers, as JSON for each line.
ASK = r'''
set -u
source "$1"
while IFS= read -r line; do
  COMP_LINE=$line COMP_POINT=${#line}
  spaced=${line//=/ = }
  read -r -a COMP_WORDS <<<"$spaced"
  case $line in *' ' | *=) COMP_WORDS+=('') ;; esac
  [[ $line != *= ]] || unset 'COMP_WORDS[-1]'
  COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
  COMPREPLY=()
  function=$(complete -p muster | sed 's/.*-F \([^ ]*\).*/\1/')
  "$function" muster "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}"
  echo "${COMPREPLY[*]-}"
done
'''


def offered(*lines, folder="."):
    """What bash offers for each line."""
    with tempfile.NamedTemporaryFile("w", suffix=".bash") as script:
        script.write(told(MUSTER, "completion", "bash"))
        script.flush()
        done = subprocess.run(["bash", "--norc", "-c", ASK, "ask", script.name], input="".join(line + "\n" for line in lines), cwd=folder,
                              capture_output=True, text=True, timeout=60, check=True)
    assert done.stderr == "", done.stderr
    answers = [answer.split() for answer in done.stdout.split("\n")[:-1]]
    assert len(answers) == len(lines), done.stdout
    return answers[0] if len(lines) == 1 else answers


class Bash(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.commands = listed(told(MUSTER, "--help"))

    def test_every_command_is_offered(self):
        self.assertEqual(offered("muster "), sorted(self.commands))
        self.assertEqual(offered("muster coord"), ["coordinator"])
        self.assertEqual(offered("muster nothing-like-it"), [])

    def test_every_option_of_every_command_is_offered(self):
        names = sorted(self.commands)
        answers = offered(*(f"muster {name} -" for name in names))
        wrong = [(name, sorted(options_in(told(MUSTER, name, "--help")) ^ set(answer))) for name, answer in zip(names, answers)
                 if options_in(told(MUSTER, name, "--help")) != set(answer)]
        self.assertEqual(wrong, [])

    def test_commands_below_commands(self):
        self.assertEqual(offered("muster index "), ["create", "drop"])
        self.assertIn("--rows-from", offered("muster index create words --"))
        self.assertNotIn("--rows-from", offered("muster index drop words --"))
        self.assertEqual(offered("muster partition "), ["create", "drop"])

    def test_choices_behind_an_option_with_a_blank_or_equals(self):
        self.assertEqual(offered("muster coordinator --log-format "), ["text", "json"])
        self.assertEqual(offered("muster coordinator --log-format="), ["text", "json"])
        self.assertEqual(offered("muster coordinator --log-format=j"), ["json"])
        self.assertEqual(offered("muster import words --vectors x.npy --metric c"), ["cosine"])
        self.assertEqual(offered("muster actors --sort p"), ["p50", "p99"])

    def test_what_stands_in_a_place(self):
        self.assertEqual(offered("muster completion "), ["bash", "zsh"])
        self.assertEqual(offered("muster journal "), ["tail"])
        self.assertEqual(offered("muster timeline "), ["segment", "channel", "replica", "collection", "node", "task"])
        self.assertEqual(offered("muster log-level segment_checker d"), ["debug", "default"])
        self.assertEqual(offered("muster set queryCoord.balancer"), ["queryCoord.balancer"])
        # The value of an option is in no place.
        self.assertEqual(offered("muster log-level --coordinator 127.0.0.1:7700 segment_checker w"), ["warn"])

    def test_files_and_folders_where_they_are_meant(self):
        with tempfile.TemporaryDirectory() as folder:
            os.mkdir(folder + "/things")
            open(folder + "/thing.yaml", "w").close()
            self.assertEqual(sorted(offered("muster coordinator --config th", folder=folder)), ["thing.yaml", "things"])
            self.assertEqual(offered("muster coordinator --data th", folder=folder), ["things"])
            self.assertEqual(offered("muster replay thing.", folder=folder), ["thing.yaml"])

    def test_a_value_of_no_known_kind_is_left_to_whoever_types(self):
        self.assertEqual(offered("muster load --replicas "), [])

    def test_in_a_shell_of_its_own_the_tab_key_completes(self):
        # The key itself, through readline: what is offered alone is inserted.
        with tempfile.TemporaryDirectory() as folder:
            with open(folder + "/muster.bash", "w") as script:
                script.write(told(MUSTER, "completion", "bash"))
            import pty
            import select
            import time
            pid, terminal = pty.fork()
            if pid == 0:
                os.execvpe("bash", ["bash", "--norc", "--noprofile", "-i"], dict(os.environ, PS1="$ ", TERM="dumb", HOME=folder))
            try:
                os.write(terminal, f"source {folder}/muster.bash; echo rea''dy\n".encode())
                seen, until, typed = "", time.monotonic() + 20, False
                while "coordinator --log-format" not in seen and time.monotonic() < until:
                    if select.select([terminal], [], [], 0.2)[0]:
                        seen += os.read(terminal, 4096).decode(errors="replace")
                    if "ready" in seen and not typed:
                        typed = True
                        os.write(terminal, b"muster coordi\t--log-f\t")
                self.assertIn("muster coordinator --log-format", seen)
            finally:
                os.kill(pid, 9)
                os.waitpid(pid, 0)
                os.close(terminal)


class Zsh(unittest.TestCase):
    def test_it_has_every_command_and_option(self):
        script = told(MUSTER, "completion", "zsh")
        self.assertTrue(script.startswith("#compdef muster\n"))
        commands = listed(told(MUSTER, "--help"))
        cases = dict(re.findall(r"(?ms)^        '([a-z-]+)'\)\n(.*?)^          ;;$", script))
        self.assertEqual(sorted(cases), sorted(commands))
        wrong = [(name, option) for name in commands for option in options_in(told(MUSTER, name, "--help"))
                 if not re.search(rf"'\*?{option}[=\['+:]", cases[name])]
        self.assertEqual(wrong, [])

    def test_quotes_and_brackets_are_closed(self):
        for line in told(MUSTER, "completion", "zsh").splitlines():
            bare = re.sub(r"'\\''", "", line)
            self.assertEqual(bare.count("'") % 2, 0, line)
            spec = re.match(r"^ +'(.*)' ?\\?$", bare)
            if spec and spec.group(1).lstrip("*").startswith("-"):
                text = re.sub(r"\\.", "", spec.group(1))
                self.assertEqual(text.count("["), text.count("]"), line)

    def test_zsh_reads_it(self):
        if shutil.which("zsh") is None:
            self.skipTest("there is no zsh here; deploy/test package has one")
        done = subprocess.run(["zsh", "-n"], input=told(MUSTER, "completion", "zsh"), capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))


if __name__ == "__main__":
    unittest.main(verbosity=2)
