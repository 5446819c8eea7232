"""Make the course's Python environment: a virtual environment with everything in requirements.txt.

    python tools/prepare.py [--venv .venv] [--constraints constraints.txt]

A second run installs nothing: a stamp in the environment holds a hash of the two lists, and only a change of either
list, or an installation that was cut short, makes it install again. Uses the standard library only, and syntax that an
old Python can still read, so that it can say clearly that it is too old.
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
OLDEST_PYTHON = (3, 11)
STAMP = "course-installed.txt"


def python_of(venv):
    """Path of the environment's interpreter."""
    return os.path.join(venv, "Scripts", "python.exe") if os.name == "nt" else os.path.join(venv, "bin", "python")


def fingerprint(paths):
    """Hash of the lists' meaning: comments and blank lines do not count, so that rewording one installs nothing."""
    digest = hashlib.sha256()
    for path in paths:
        with open(path, encoding="utf-8") as file:
            lines = [line.split("#")[0].strip() for line in file]
        digest.update("\n".join([line for line in lines if line] + ["--"]).encode())
    return digest.hexdigest()


def is_installed(venv, wanted):
    """True where the environment's stamp carries the wanted fingerprint and its interpreter still starts."""
    stamp = os.path.join(venv, STAMP)
    if not os.path.isfile(stamp) or not os.path.isfile(python_of(venv)):
        return False
    with open(stamp, encoding="utf-8") as file:
        if file.read().strip() != wanted:
            return False
    return subprocess.call([python_of(venv), "-c", ""]) == 0   # a moved or copied environment does not start


def run_pip(arguments, venv, log_path):
    """Run the environment's pip; on a terminal one line shows what it is at. The whole output goes to `log_path`."""
    command = [python_of(venv), "-m", "pip", "install", "--disable-pip-version-check", *arguments]
    on_terminal = sys.stdout.isatty()
    with open(log_path, "w", encoding="utf-8") as log:
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for line in process.stdout:
            log.write(line)
            if on_terminal and line.strip().startswith(("Collecting", "Downloading", "Installing", "Using")):
                width = shutil.get_terminal_size().columns - 3
                sys.stdout.write("\r\033[K  " + line.strip()[:width])
                sys.stdout.flush()
        status = process.wait()
    if on_terminal:
        sys.stdout.write("\r\033[K")
    return status


def prepare(venv, constraints):
    """Create the environment and install into it where the stamp says that this is still to be done."""
    requirements = os.path.join(ROOT, "requirements.txt")
    lists = [requirements] + ([constraints] if constraints else [])
    for path in lists:
        if not os.path.isfile(path):
            sys.exit("There is no file {}. Give --constraints a list of versions, or 'none'.".format(path))
    wanted = fingerprint(lists)
    if is_installed(venv, wanted):
        return
    name, started, log_path = os.path.relpath(venv), time.time(), os.path.join(venv, "install.log")
    if not os.path.isfile(python_of(venv)) or subprocess.call([python_of(venv), "-c", ""]) != 0:
        print("Creating the environment {} with Python {}.{}".format(name, *sys.version_info[:2]), flush=True)
        status = subprocess.call([sys.executable, "-m", "venv", "--clear", venv])
        if status != 0:
            sys.exit("`{} -m venv` failed; on Debian and Ubuntu it needs the package python3-venv.".format(sys.executable))
    if os.path.isfile(os.path.join(venv, STAMP)):
        os.remove(os.path.join(venv, STAMP))
    print("Installing what the course needs into {} (once; some minutes)".format(name), flush=True)
    # With the course itself, in place: `python -m course_utils.train` then works from every folder.
    status = run_pip(["-r", requirements, "-e", "."] + (["-c", constraints] if constraints else []), venv, log_path)
    if status != 0:
        with open(log_path, encoding="utf-8") as log:
            tail = [line.rstrip() for line in log if line.strip() and "is ignored: it is" not in line][-15:]
        print("\n".join(tail), file=sys.stderr)
        advice = " To let pip choose other versions: make course CONSTRAINTS=none" if constraints else ""
        sys.exit("The installation failed; its whole log is in {}.{}".format(os.path.relpath(log_path), advice))
    with open(os.path.join(venv, STAMP), "w", encoding="utf-8") as stamp:
        stamp.write(wanted + "\n")
    print("Installed in {:.0f} s".format(time.time() - started), flush=True)


def main():
    parser = argparse.ArgumentParser(description="Make the course's Python environment; a second run installs nothing.")
    parser.add_argument("--venv", default=os.path.join(ROOT, ".venv"), help="folder of the environment (.venv)")
    parser.add_argument("--constraints", default=os.path.join(ROOT, "constraints.txt"),
                        help="list of exact versions (constraints.txt), or 'none' to take the newest that fit")
    arguments = parser.parse_args()
    if sys.version_info < OLDEST_PYTHON:
        sys.exit("The course needs Python {}.{} or newer; this is Python {}.{} ({}).\nWith a newer one installed, name it: "
                 "make course PYTHON=python3.12".format(*(OLDEST_PYTHON + tuple(sys.version_info[:2]) + (sys.executable,))))
    constraints = None if arguments.constraints in ("none", "") else os.path.abspath(arguments.constraints)
    prepare(os.path.abspath(arguments.venv), constraints)


if __name__ == "__main__":
    main()
