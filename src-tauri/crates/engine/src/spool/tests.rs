//! The spool on real files: reading back, floods, and what a crash leaves.

#![allow(clippy::unwrap_used)]

use super::*;
use nox_domain::tool::sha256_hex;
use uuid::Uuid;

fn ids() -> (SessionId, ItemId) {
    (SessionId::from_uuid(Uuid::from_u128(1)), ItemId::from_uuid(Uuid::from_u128(2)))
}

#[tokio::test]
async fn what_was_written_is_read_with_its_pipes_and_heard_live() {
    let folder = tempfile::tempdir().unwrap();
    let spool = Spool::at(folder.path().into());
    let (session, item) = ids();
    let mut heard = spool.deltas();
    let mut output = spool.begin(&session, &item);
    output.write(Pipe::Out, b"one\n".to_vec()).await;
    output.write(Pipe::Err, b"two\n".to_vec()).await;
    output.write(Pipe::Err, b"three\n".to_vec()).await;
    output.write(Pipe::Out, b"four\n".to_vec()).await;
    let page = spool.read(session.clone(), item.clone(), Some(0)).await.unwrap();
    let seen: Vec<_> =
        page.pieces.iter().map(|p| (p.pipe, String::from_utf8_lossy(&p.bytes).into_owned())).collect();
    assert_eq!(
        seen,
        [(Pipe::Out, "one\n".into()), (Pipe::Err, "two\nthree\n".into()), (Pipe::Out, "four\n".into())]
    );
    assert!(page.at_end && !page.clipped);
    assert_eq!(heard.recv().await.unwrap().offset, 0);
    assert_eq!(heard.recv().await.unwrap().offset, 4);
    let digest = output.finish().await;
    assert_eq!(digest.size_bytes, Size(19));
    assert_eq!(digest.sha256, sha256_hex(b"one\ntwo\nthree\nfour\n"));
    assert_eq!(digest.head, "one\ntwo\nthree\nfour\n");
    assert_eq!(digest.tail, "");
}

#[tokio::test]
async fn a_flood_keeps_the_head_and_the_tail() {
    let folder = tempfile::tempdir().unwrap();
    let spool = Spool::at(folder.path().into());
    let (session, item) = ids();
    let mut output = spool.begin(&session, &item);
    let total = HEAD_BYTES + 3 * TAIL_BYTES;
    let chunk = 1024 * 1024;
    let mut written = 0u64;
    while written < total {
        let line = format!("{written:015}\n");
        output.write(Pipe::Out, line.repeat(chunk / 16).into_bytes()).await;
        written += chunk as u64;
    }
    output.write(Pipe::Out, b"the end\n".to_vec()).await;
    let digest = output.finish().await;
    assert_eq!(digest.size_bytes, Size(total + 8));
    assert!(
        digest.kept_bytes.0 <= HEAD_BYTES + 2 * TAIL_BYTES && digest.kept_bytes.0 >= HEAD_BYTES + TAIL_BYTES
    );
    assert!(digest.tail.ends_with("the end\n"));
    let last = spool.read(session.clone(), item.clone(), None).await.unwrap();
    assert!(last.clipped && last.at_end);
    assert!(last.pieces.last().unwrap().bytes.ends_with(b"the end\n"));
    // Every byte that is read stands where its line says it stands.
    let middle = spool.read(session, item, Some(HEAD_BYTES + 16)).await.unwrap();
    assert!(middle.clipped);
    let piece = &middle.pieces[0];
    let line: u64 = String::from_utf8_lossy(&piece.bytes[..15]).parse().unwrap();
    assert_eq!(line, piece.offset / chunk as u64 * chunk as u64);
    let on_disk: u64 = fs::read_dir(folder.path().join(ids().0.as_str()))
        .unwrap()
        .map(|entry| entry.unwrap().metadata().unwrap().len())
        .sum();
    assert!(on_disk <= HEAD_BYTES + 2 * TAIL_BYTES + 4096);
}

#[tokio::test]
async fn what_a_crash_left_is_marked_as_cut_off() {
    let folder = tempfile::tempdir().unwrap();
    let spool = Spool::at(folder.path().into());
    let (session, item) = ids();
    assert!(spool.cut_off(&session, &item).is_none());
    spool.begin(&session, &item).write(Pipe::Out, b"half a li".to_vec()).await;
    let digest = spool.cut_off(&session, &item).unwrap();
    assert!(digest.cut_off && digest.sha256.is_empty());
    assert_eq!((digest.head.as_str(), digest.size_bytes), ("half a li", Size(9)));
}

#[tokio::test]
async fn a_program_that_changes_its_pipe_all_the_time_has_a_bounded_index() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.idx");
    let mut writer = IndexWriter::create(&path).unwrap();
    let pipe_of = |at: u64| if at.is_multiple_of(2) { Pipe::Out } else { Pipe::Err };
    (0..70_000).for_each(|at| writer.pipe(at, pipe_of(at)).unwrap());
    let head = fs::metadata(&path).unwrap().len();
    let mut largest = 0;
    for part in 0..5u64 {
        let begin = HEAD_BYTES + part * 70_000;
        writer.tail(begin, (part % 2) as usize, pipe_of(begin)).unwrap();
        (begin..begin + 70_000).for_each(|at| writer.pipe(at, pipe_of(at)).unwrap());
        largest = largest.max(fs::metadata(&path).unwrap().len());
    }
    assert!(head < 65_536 * 12 && largest < head + 2 * 65_536 * 12, "{head} {largest}");
    let index = index::Index::read(&path).unwrap();
    assert!(index.pipes.is_sorted_by_key(|(at, _)| *at), "the lines are in order");
    for at in [0, 1, 40_001, HEAD_BYTES + 4 * 70_000, HEAD_BYTES + 4 * 70_000 + 1, HEAD_BYTES + 3 * 70_000] {
        assert_eq!(index.pipe_at(at).0, pipe_of(at), "{at}");
    }
    assert_eq!(index.tails, [Some(HEAD_BYTES + 4 * 70_000), Some(HEAD_BYTES + 3 * 70_000)]);
}

#[tokio::test]
async fn a_write_that_failed_half_way_is_written_again_in_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let files = Files::of(folder.path(), &ids().0, &ids().1);
    let mut writer = Writer {
        written: Arc::default(),
        files: files.clone(),
        session: ids().0,
        item: ids().1,
        deltas: broadcast::channel(1).0,
        open: None,
        size: 0,
        hasher: Sha256::new(),
        head: Vec::new(),
        tail: Vec::new(),
    };
    writer.append(Pipe::Out, b"begin").unwrap();
    writer.size = HEAD_BYTES;
    writer.append(Pipe::Out, b"first.").unwrap();
    writer.size += 6;
    // What a full disk leaves: a part of the bytes, and a part of a line of the index.
    let open = writer.open.as_mut().unwrap();
    open.tail.as_mut().unwrap().1.write_all(b"sec").unwrap();
    OpenOptions::new().append(true).open(&files.index).unwrap().write_all(b"e 50").unwrap();
    writer.append(Pipe::Err, b"second").unwrap();
    assert_eq!(fs::read(&files.tails[0]).unwrap(), b"first.second");
    let index = index::Index::read(&files.index).unwrap();
    assert_eq!(index.pipe_at(HEAD_BYTES + 5).0, Pipe::Out);
    assert_eq!(index.pipe_at(HEAD_BYTES + 6).0, Pipe::Err);
}
