"""An output folder is complete or not there, whenever the run that writes it is killed."""

import os
import shutil
import signal
from pathlib import Path

import pytest

from course_utils.output_folder import check_output, checkpoint_of, clean_up, new_folder, unfinished

FILES = ("prompt/adapter_model.safetensors", "results.jsonl", "results.runs.jsonl", "results.predictions.jsonl.gz")


def write(folder, text):
    """The files of an output, with `text` in each."""
    for file in FILES:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text(text)


def state(folder):
    """The one text that all files of an output hold; None if the folder is not there."""
    if not folder.exists():
        return None
    assert sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()) == sorted(FILES)
    text, = {(folder / file).read_text() for file in FILES}
    return text


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "runs" / "out"


def publish(folder, text, overwrite=False):
    with new_folder(folder, overwrite) as new:
        write(new, text)


def left(folder):
    return os.listdir(folder.parent) if folder.parent.exists() else []


def test_a_new_folder_appears_when_it_is_complete(folder):
    with new_folder(folder) as new:
        write(new, "first")
        assert not folder.exists() and new.parent.parent == folder.parent
    assert state(folder) == "first" and left(folder) == ["out"]
    publish(folder, "second", overwrite=True)
    assert state(folder) == "second" and left(folder) == ["out"]


@pytest.mark.parametrize("there", [False, True])
def test_an_error_leaves_what_was_there(folder, there):
    if there:
        publish(folder, "old")
    with pytest.raises(ZeroDivisionError), new_folder(folder, overwrite=True) as new:
        write(new, "new")
        raise ZeroDivisionError
    clean_up(folder)
    assert state(folder) == ("old" if there else None) and left(folder) == ["out"] * there


def killed_at(last, work):
    """Whether `work` was killed: a forked process does it, and kills itself instead of changing the file system once more
    after `last` changes."""
    child = os.fork()
    if child:
        return os.WIFSIGNALED(os.waitpid(child, 0)[1])
    done = 0

    def counted(step):
        def do(*args, **options):
            nonlocal done
            if done == last:
                os.kill(os.getpid(), signal.SIGKILL)
            done += 1
            return step(*args, **options)

        return do

    for name in ("mkdir", "rename", "unlink", "rmdir"):
        setattr(os, name, counted(getattr(os, name)))
    work()
    os._exit(0)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills a forked process")
@pytest.mark.parametrize("there", [False, True])
def test_killed_at_any_step(folder, there):
    """For a moment the old folder is out of sight; the next run puts it back before it does anything else."""
    ends, killed = [], True
    while killed:
        if folder.exists():
            shutil.rmtree(folder)
        if there:
            publish(folder, "old")
        killed = killed_at(len(ends), lambda: publish(folder, "new", overwrite=True))
        seen = state(folder)
        clean_up(folder)
        ends.append((seen, state(folder)))
        assert left(folder) == ["out"] * folder.exists(), "leftovers"
    assert len(ends) > 5
    expected = [("old", "old"), (None, "old"), ("new", "new")] if there else [(None, None), ("new", "new")]
    assert list(dict.fromkeys(ends)) == expected


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills a forked process")
def test_half_of_a_replaced_folder_does_not_come_back_when_the_new_one_is_removed(folder):
    last, killed, seen = 0, True, []
    while killed:
        publish(folder, "old", overwrite=True)
        killed = killed_at(last, lambda: publish(folder, "new", overwrite=True))
        shutil.rmtree(folder, ignore_errors=True)
        check_output(folder, overwrite=True)
        seen.append(state(folder))  # fails for half a folder
        shutil.rmtree(folder, ignore_errors=True)
        last += 1
    assert set(seen) == {"old", None} and seen[-1] is None


def test_a_removal_that_was_killed_does_not_stand_in_the_way(folder):
    publish(folder, "old")
    leave_checkpoint(folder)
    write(unfinished(folder) / "replaced", "older")
    publish(folder, "new", overwrite=True)
    assert state(folder) == "new" and left(folder) == ["out"]


# ---- checkpoints


def leave_checkpoint(folder):
    checkpoint_of(folder).parent.mkdir(parents=True, exist_ok=True)
    checkpoint_of(folder).write_text("half way")


def test_a_checkpoint_is_refused_resumed_or_dropped(folder):
    leave_checkpoint(folder)
    with pytest.raises(FileExistsError, match=r"--resume.*--overwrite"):
        check_output(folder)
    check_output(folder, resume=True)
    assert checkpoint_of(folder).read_text() == "half way"
    clean_up(folder)
    assert checkpoint_of(folder).exists()
    check_output(folder, overwrite=True)
    assert checkpoint_of(folder).exists(), "the input is not read yet"


def test_a_checkpoint_survives_until_the_folder_is_complete(folder):
    leave_checkpoint(folder)
    with new_folder(folder) as new:
        write(new, "new")
        assert checkpoint_of(folder).exists()
    assert state(folder) == "new" and left(folder) == ["out"]


def test_a_run_that_cannot_go_on_leaves_no_checkpoint(folder):
    leave_checkpoint(folder)
    clean_up(folder, resumable=False)
    assert left(folder) == []


def test_the_old_folder_stays_beside_a_checkpoint(folder):
    publish(folder, "old")
    leave_checkpoint(folder)
    with pytest.raises(FileExistsError, match="out exists"):
        check_output(folder, resume=True)
    check_output(folder, overwrite=True, resume=True)
    assert checkpoint_of(folder).exists() and state(folder) == "old"


# ---- what must not be overwritten


def test_existing_folders_are_refused(folder):
    publish(folder, "old")
    with pytest.raises(FileExistsError, match=r"out exists: choose another folder, or overwrite it \(--overwrite\)"):
        check_output(folder)
    with pytest.raises(FileExistsError), new_folder(folder):
        pytest.fail("refused too late")
    assert check_output(folder, overwrite=True) == folder and state(folder) == "old"


@pytest.mark.parametrize("file", ["notes.txt", ".hidden", "more/results.jsonl", "prompt/notes.txt", "model/thesis.txt",
                                  "model/tokenizer/notes.txt"])
def test_a_folder_with_anything_else_is_not_overwritten(folder, file):
    publish(folder, "old")
    (folder / file).parent.mkdir(exist_ok=True, parents=True)
    (folder / file).write_text("mine")
    with pytest.raises(FileExistsError, match="not an earlier run's output"):
        check_output(folder, overwrite=True)
    assert (folder / file).read_text() == "mine"


def test_a_folder_without_results_is_not_overwritten(folder):
    (folder / "model").mkdir(parents=True)
    (folder / "model" / "model.safetensors").write_text("mine")
    with pytest.raises(FileExistsError, match=r"lacks results\.jsonl, results\.runs\.jsonl"):
        check_output(folder, overwrite=True)
    assert left(folder) == ["out"]


def test_an_empty_folder_may_be_overwritten_but_not_taken(folder):
    folder.mkdir(parents=True)
    with pytest.raises(FileExistsError):
        check_output(folder)
    publish(folder, "new", overwrite=True)
    assert state(folder) == "new"


def test_a_folder_that_appears_during_the_run_is_not_overwritten(folder):
    check_output(folder)
    write(folder, "of another run")
    with pytest.raises(FileExistsError):
        publish(folder, "mine")
    assert state(folder) == "of another run"


def test_a_link_stays_and_its_target_is_replaced(folder, tmp_path):
    publish(folder, "old")
    link = tmp_path / "link"
    link.symlink_to(folder, target_is_directory=True)
    publish(check_output(link, overwrite=True), "new", overwrite=True)
    assert link.is_symlink() and state(folder) == "new"


def test_paths_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("text")
    for path, overwrite in ((tmp_path / "file", True), (tmp_path / "file" / "out", False), (tmp_path / ("x" * 300), False),
                            (Path("/"), True), (tmp_path / ("x" * 250), False)):
        with pytest.raises(OSError):
            check_output(path, overwrite)
    assert os.listdir(tmp_path) == ["file"] and (tmp_path / "file").read_text() == "text"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="nothing is forbidden to root")
def test_a_parent_without_write_permission(tmp_path):
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(PermissionError):
            check_output(tmp_path / "out")
    finally:
        tmp_path.chmod(0o700)


# ---- two at a time


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs two processes")
def test_only_one_process_works_on_a_folder_and_a_killed_one_does_not_count(folder):
    ready, other = os.pipe()
    child = os.fork()
    if not child:
        check_output(folder)
        os.write(other, b"x")
        signal.pause()
    try:
        os.read(ready, 1)
        for options in ({}, {"resume": True}, {"overwrite": True}):
            with pytest.raises(FileExistsError, match=f"process {child} is at work on .*out"):
                check_output(folder, **options)
        clean_up(folder)
        assert unfinished(folder).exists(), "it is the other's"
        leave_checkpoint(folder)
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    check_output(folder, resume=True)
    clean_up(folder)
    assert os.listdir(unfinished(folder)) == [checkpoint_of(folder).name]
