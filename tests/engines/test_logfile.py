"""The log on disk: whatever is written in whatever pieces, readers get head, cut and tail, each byte once."""

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from ensue.engines import logfile

PIECES = st.lists(
    st.tuples(st.integers(0, 1), st.text(alphabet="ab\n", min_size=1, max_size=30).map(str.encode)), max_size=40
)


def frames_of(directory: str, summary: dict[str, object], offset: int = 0) -> list[logfile.Frame]:
    return list(logfile.Reader(directory, offset).ending(summary))


@settings(deadline=None, max_examples=150)
@given(PIECES, st.integers(0, 300), st.integers(0, 400))
def test_kept_is_the_head_the_mark_and_the_tail(pieces: list[tuple[int, bytes]], limit: int, offset: int) -> None:
    with tempfile.TemporaryDirectory() as directory:
        writer = logfile.Writer(directory, limit)
        lines = {0: logfile.Lines(), 1: logfile.Lines()}
        given_bytes = b""
        for stream, data in pieces:
            for piece in lines[stream].feed(data):
                writer.append(stream, piece)
                given_bytes += piece
        for stream in (0, 1):
            if rest := lines[stream].rest():
                writer.append(stream, rest)
                given_bytes += rest
        summary = writer.finish()
        frames = frames_of(directory, summary)
        assert_gapless(frames)
        whole = b"".join(frame[3] for frame in frames)
        if summary["cut"]:
            mark = logfile.cut_line(int(str(summary["cut"])))
            head, tail = whole.split(mark)
            assert given_bytes.startswith(head)
            assert given_bytes.endswith(tail)
            assert len(head) + len(tail) + int(str(summary["cut"])) == len(given_bytes)
            assert max(len(head), len(tail)) <= limit // 2
        else:
            assert whole == given_bytes
        from_offset = frames_of(directory, summary, offset)
        assert b"".join(frame[3] for frame in from_offset) == whole[offset:]
        assert not from_offset or from_offset[0][0] == offset


def assert_gapless(frames: list[logfile.Frame]) -> None:
    at = 0
    for offset, _, _, data in frames:
        assert offset == at
        at += len(data)


def test_a_log_is_read_as_it_grows(tmp_path: Path) -> None:
    writer = logfile.Writer(str(tmp_path), 1000)
    reader = logfile.Reader(str(tmp_path))
    writer.append(0, b"one\n")
    assert [frame[3] for frame in reader.head()] == [b"one\n"]
    assert list(reader.head()) == []
    writer.append(1, b"two\n")
    assert [(frame[0], frame[2], frame[3]) for frame in reader.ending(writer.finish())] == [(4, "stderr", b"two\n")]


def test_a_torn_frame_is_not_read(tmp_path: Path) -> None:
    writer = logfile.Writer(str(tmp_path), 1000)
    writer.append(0, b"whole\n")
    writer.append(0, b"torn\n")
    writer.finish()
    log = tmp_path / logfile.HEAD
    log.write_bytes(log.read_bytes()[:-2])
    assert [frame[3] for frame in logfile.Reader(str(tmp_path)).head()] == [b"whole\n"]
    assert [frame[3] for frame in logfile.Reader(str(tmp_path)).ending({})] == [b"whole\n"]


def test_what_the_tail_shows_begins_at_a_line(tmp_path: Path) -> None:
    writer = logfile.Writer(str(tmp_path), 400)
    for number in range(100):
        writer.append(0, b"".join(b"line %05d\n" % (number * 10 + at) for at in range(10)))
    frames = frames_of(str(tmp_path), writer.finish())
    tail = b"".join(frame[3] for frame in frames).split(b"were cut here\n")[1]
    assert tail.startswith(b"line 00")
    assert tail.endswith(b"line 00999\n")
    assert len(tail) == 198
