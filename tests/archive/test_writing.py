"""A dump is written whole, privately and over nothing, or not at all."""

from __future__ import annotations

import errno
import io
import os
import re
import shutil
import signal
import subprocess
import sys
from dataclasses import replace

import pytest

from dbdump_core.dumps import make_target, open_source
from dbdump_core.errors import RefusedError, StorageError, UnsafeError, UsageError, VerificationError
from dbdump_core.model.abc import Block, Path, Snapshot
from dbdump_core.model.schema import Schema

from .helpers import ORDERS, ROWS, SECOND, TABLES, child, dump, load, plan_of, whole, write_all


@pytest.mark.parametrize("umask", [0o000, 0o077, 0o777])
@pytest.mark.parametrize("name", ["dump", "dump.tar"])
def test_a_dump_is_private_whatever_the_umask_is(tmp_path, name, umask):
    kept = os.umask(umask)
    try:
        dump(tmp_path / name)
    finally:
        os.umask(kept)
    for path in [tmp_path / name, *(tmp_path / name).rglob("*")]:
        assert path.stat().st_mode & 0o7777 == (0o700 if path.is_dir() else 0o600)


@pytest.mark.parametrize("name", ["dump", "dump.tar"])
def test_nothing_is_ever_overwritten(tmp_path, name):
    path = tmp_path / name
    for make in (
        path.mkdir,
        path.touch,
        lambda: path.symlink_to("nowhere"),
        lambda: path.symlink_to(tmp_path),
    ):
        make()
        with pytest.raises(RefusedError, match="is there already; choose another name or remove it first"):
            make_target(str(path), source_engine="sqlite")
        path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()


@pytest.mark.parametrize("name", ["dump", "dump.tar"])
@pytest.mark.parametrize("thing", ["file", "full", "empty", "link"])
def test_what_appears_meanwhile_is_not_overwritten(tmp_path, name, thing):
    path, plan = tmp_path / name, plan_of(TABLES)
    with (
        pytest.raises(RefusedError, match="is there already"),
        make_target(str(path), source_engine="sqlite").writing(plan) as writer,
    ):
        results = write_all(writer, plan, ROWS)
        if thing == "file":
            path.write_text("mine")
        elif thing == "link":
            path.symlink_to("nowhere")
        else:
            path.mkdir()
            (path / "mine").touch() if thing == "full" else None
        writer.commit(results, Snapshot.CONSISTENT)
    assert os.path.lexists(path)
    assert thing != "file" or path.read_text() == "mine"


def test_a_name_taken_between_the_last_look_and_the_rename(tmp_path, monkeypatch):
    """The rename itself refuses too."""
    from dbdump_core.dumps import outputs

    for name in ("dump", "dump.tar"):
        path, plan = tmp_path / name, plan_of(TABLES)
        with (
            pytest.raises((RefusedError, StorageError)),
            make_target(str(path), source_engine="sqlite").writing(plan) as writer,
        ):
            results = write_all(writer, plan, ROWS)
            with monkeypatch.context() as patch:
                patch.setattr(
                    outputs, "refuse_existing", lambda place: place.exists() or place.write_text("mine")
                )
                writer.commit(results, Snapshot.CONSISTENT)
        assert path.read_text() == "mine"


@pytest.mark.parametrize("path", ["", ".", "..", "/", "a\0b"])
def test_paths_that_name_no_dump(path):
    with pytest.raises(RefusedError):
        make_target(path, source_engine="sqlite")


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(
        RefusedError, match=r"there is no folder '.*missing' to put the dump in; create it first"
    ):
        make_target(str(tmp_path / "missing" / "dump"), source_engine="sqlite")


def test_words_that_are_not_known(tmp_path):
    with pytest.raises(UsageError, match="unknown format 'xml'; use tsv"):
        make_target(str(tmp_path / "dump"), format="xml", source_engine="sqlite")
    with pytest.raises(UsageError, match="unknown compression 'lz4'; use zstd or gzip"):
        make_target(str(tmp_path / "dump"), compress="lz4", source_engine="sqlite")


@pytest.mark.parametrize("name", ["dump", "dump.tar"])
@pytest.mark.parametrize("when", ["at once", "rows", "finished", "left"])
def test_a_dump_given_up_leaves_nothing(tmp_path, name, when):
    plan = plan_of(TABLES)
    try:
        with make_target(str(tmp_path / name), source_engine="sqlite").writing(plan) as writer:
            if when == "at once":
                raise KeyboardInterrupt
            if when == "rows":
                writer.write(plan.tables[0].write, Block(ROWS[ORDERS.key], 3))
                raise KeyboardInterrupt
            write_all(writer, plan, ROWS)
            if when == "finished":
                raise KeyboardInterrupt
    except KeyboardInterrupt:
        assert when != "left"
    assert list(tmp_path.iterdir()) == []


def test_a_run_that_died_under_the_same_process_id_is_no_obstacle(tmp_path):
    for name in ("dump", "dump.tar"):
        (tmp_path / f"{name}.partial-{os.getpid()}").mkdir()
        dump(tmp_path / name)
        (tmp_path / f"{name}.partial-{os.getpid()}").rmdir()
        assert load(open_source(str(tmp_path / name))) == whole()


def test_the_working_folder_may_change(tmp_path, monkeypatch):
    plan = plan_of(TABLES)
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path)
    target = make_target("dump", source_engine="sqlite")
    monkeypatch.chdir(tmp_path / "other")
    with target.writing(plan) as writer:
        writer.commit(write_all(writer, plan, ROWS), Snapshot.CONSISTENT)
    assert load(open_source(str(tmp_path / "dump"))) == whole()


def test_a_dump_onto_itself(folder, archive):
    target = make_target(str(folder) + "2", source_engine="sqlite")
    target.refuse_same(open_source(str(folder)))
    kept = folder.rename(str(folder) + "3")
    target = make_target(str(folder), source_engine="sqlite")
    kept.rename(folder)
    with pytest.raises(UnsafeError, match="is what is being read; choose another path"):
        target.refuse_same(open_source(str(folder)))


def test_what_a_target_says_of_itself(tmp_path):
    target = make_target(str(tmp_path / "dump"), source_engine="mariadb")
    assert (target.creates, target.rereads, target.engine) == (True, False, "mariadb")
    assert target.schema() == Schema()
    assert target.occupied(TABLES) == []
    plan = plan_of((ORDERS,))
    with target.writing(plan) as writer:
        assert writer.path(plan.tables[0].write) is Path.NATIVE
        with pytest.raises(UsageError, match="a dump cannot be read back while it is written"):
            writer.read(plan.tables[0].read, lambda block: None)


def test_blocks_that_are_not_what_they_say(tmp_path):
    plan = plan_of((ORDERS, SECOND))
    for block in (Block(b"1\ta\t\\N\n", 2), Block(b"1\ta\t\\N", 0), Block(b"1\ta\t\\N\n2", 1)):
        with (
            pytest.raises(VerificationError, match="a block said to hold"),
            make_target(str(tmp_path / "dump"), source_engine="sqlite").writing(plan) as writer,
        ):
            writer.write(plan.tables[0].write, block)


def test_rows_that_were_read_and_not_written(tmp_path):
    plan = plan_of((ORDERS,))
    with (
        pytest.raises(
            VerificationError, match="'shop_order': 4 rows were read, 3 written; take the dump again"
        ),
        make_target(str(tmp_path / "dump"), source_engine="sqlite").writing(plan) as writer,
    ):
        (result,) = write_all(writer, plan, ROWS)
        writer.commit([replace(result, rows=4)], Snapshot.CONSISTENT)


def test_tables_come_one_after_the_other(tmp_path):
    plan = plan_of((ORDERS, SECOND))
    with (
        pytest.raises(UsageError, match="'shop_order' was written to after its end"),
        make_target(str(tmp_path / "dump"), source_engine="sqlite").writing(plan) as writer,
    ):
        for at in (0, 1, 0):
            writer.write(plan.tables[at].write, Block(b"1\tx\t\\N\n", 1))


@pytest.mark.parametrize("name", ["dump", "dump.tar"])
@pytest.mark.parametrize("limit", [10, 500, 4096, 100_000, 1_000_000])
def test_a_full_disk(tmp_path, name, limit):
    """RLIMIT_FSIZE fails writes as a full disk does, here or when the buffer is flushed."""
    code = f"""
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))
try:
    dump({str(tmp_path / name)!r}, rows=BIG)
except StorageError as error:
    print(error)
"""
    done = child(code, capture_output=True, text=True)
    assert re.fullmatch(
        rf"cannot write '{re.escape(str(tmp_path / name))}[^']*': file too large; no dump was made\n",
        done.stdout,
    ), done
    assert list(tmp_path.iterdir()) == []


def test_every_fsync_that_fails_is_told(tmp_path, monkeypatch):
    real, calls = os.fsync, []

    def failing(descriptor):
        calls.append(descriptor)
        if len(calls) == failing.at:
            raise OSError(errno.EIO, "Input/output error")
        real(descriptor)

    for name in ("dump", "dump.tar"):
        monkeypatch.setattr(os, "fsync", failing)
        for failing.at in range(1, 50):
            calls.clear()
            try:
                dump(tmp_path / name)
                break
            except StorageError as error:
                assert "input/output error; no dump was made" in str(error)
                assert list(tmp_path.iterdir()) == []
        assert failing.at == {"dump": 10, "dump.tar": 3}[name]
        shutil.rmtree(tmp_path / name) if name == "dump" else None


def test_a_disk_that_lies_about_what_it_wrote(tmp_path, monkeypatch):
    from dbdump_core.dumps import outputs
    from dbdump_core.dumps.storage import create_file

    class Liar(io.FileIO):
        def write(self, data):
            super().write(bytes(data)[:-1])
            return len(data)

    def lying(path):
        create_file(path).close()
        return Liar(path, "r+b")

    monkeypatch.setattr(outputs, "create_file", lying)
    for name in ("dump", "dump.tar"):
        with pytest.raises(StorageError, match="the file is not as long as what was written"):
            dump(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["dump", "dump.tar"])
def test_a_killed_dump_is_no_dump(tmp_path, name):
    code = f"""
from dbdump_core.dumps import outputs
outputs.refuse_existing = lambda path: [os.kill(os.getpid(), 9) for _ in path.parent.glob("*.partial-*")]
dump({str(tmp_path / name)!r})
"""
    assert child(code).returncode == -signal.SIGKILL
    (left,) = tmp_path.iterdir()
    assert re.fullmatch(rf"{name}\.partial-\d+", left.name)
    dump(tmp_path / name)
    assert list(tmp_path.iterdir()) == [tmp_path / name]
    assert load(open_source(str(tmp_path / name))) == whole()


def test_a_schema_that_could_not_be_read_back_is_refused_before_the_first_row(tmp_path, monkeypatch):
    from dbdump_core.dumps import writer

    monkeypatch.setattr(writer, "SCHEMA_LIMIT", 500)
    with pytest.raises(RefusedError, match=r"the schema of 4 tables is larger than 500 bytes.* dump fewer tables"):
        dump(tmp_path / "dump")
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def dead():
    """The number of a process that runs no more."""
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    return child.pid


@pytest.mark.parametrize("name", ["dump", "dump.tar"])
def test_what_may_not_be_a_leftover_stays(tmp_path, name, dead):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / f"{name}.partial-{dead}").mkdir()
    (tmp_path / f"{name}.partial-{dead}" / "mine.txt").write_text("mine")
    (tmp_path / f"{name}.partial-{dead}-2").write_text("mine")
    (tmp_path / f"{name}.partial-{dead}-3").symlink_to("elsewhere")
    (tmp_path / f"{name}.partial-{os.getppid()}").mkdir()
    (tmp_path / f"other-{name}.partial-{dead}").mkdir()
    (tmp_path / f"{name}.partial-{dead}-4").mkdir()
    kept = {path.name for path in tmp_path.iterdir()} - {f"{name}.partial-{dead}-4"}
    dump(tmp_path / name)
    assert {path.name for path in tmp_path.iterdir()} == {*kept, name}
    for path in tmp_path.glob("*.partial-*"):
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()


@pytest.mark.parametrize("name", ["dump", "dump.tar"])
def test_what_is_held_by_a_run_elsewhere_stays(tmp_path, name, dead, monkeypatch):
    """A run on another machine may have any process id; what it writes is locked."""
    monkeypatch.setattr(os, "getpid", lambda: dead)
    plan = plan_of(TABLES)
    with make_target(str(tmp_path / name), source_engine="sqlite").writing(plan) as writer:
        results = write_all(writer, plan, ROWS)
        (held,) = tmp_path.glob("*.partial-*")
        dump(tmp_path / name)
        assert held.exists()
        shutil.rmtree(tmp_path / name) if name == "dump" else (tmp_path / name).unlink()
        writer.commit(results, Snapshot.CONSISTENT)
    assert load(open_source(str(tmp_path / name))) == whole()


def test_a_dump_killed_at_any_moment(tmp_path):
    """Whenever it dies there is no dump, or a whole one."""
    outcomes = set()
    for n in range(12):
        path = tmp_path / f"dump-{n}"
        code = f"""
threading.Timer({n} * 0.004, lambda: os.kill(os.getpid(), 9)).start()
dump({str(path)!r}, part_bytes=500, rows={{ORDERS.key: BIG[ORDERS.key][:30_000]}})
"""
        child(code)
        if path.exists():
            load(open_source(str(path)))
        outcomes.add(path.exists())
    for left in tmp_path.glob("*.partial-*"):
        shutil.rmtree(left)
    assert False in outcomes
