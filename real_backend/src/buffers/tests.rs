//! Fit to run under Miri, with `-Zmiri-ignore-leaks` because lent memory is leaked on purpose:
//! small sizes, no clock, no system calls beyond threads.

use super::*;
use std::sync::atomic::Ordering;

const HOST: MemoryId = MemoryId(0);

fn arena(sizes: &[u64]) -> Arena {
    let mut arena = Arena::new(2, 1 << 20);
    for (at, bytes) in sizes.iter().enumerate() {
        let (buffer, object) = (BufferId::from_index(at), ObjectId::from_index(at));
        assert_eq!(arena.allocate(buffer, object, HOST, *bytes), Ok(true));
    }
    arena
}

fn lend(arena: &mut Arena, buffer: u32, right: Right) -> Loan {
    arena.lend(BufferId(buffer), right).unwrap()
}

#[test]
fn buffers_are_zero_aligned_and_as_long_as_asked_for() {
    let sizes = [0, 1, 63, 64, 65, 1000];
    let mut arena = arena(&sizes);
    for (at, bytes) in sizes.iter().enumerate() {
        let loan = lend(&mut arena, at as u32, Right::Read);
        assert_eq!(loan.bytes().len() as u64, *bytes);
        assert!(loan.bytes().iter().all(|b| *b == 0));
        assert_eq!(loan.bytes().as_ptr().addr() % BUFFER_ALIGN_BYTES, 0);
        arena.give_back(loan);
    }
}

#[test]
fn what_a_writer_wrote_readers_see_on_other_threads() {
    let mut arena = arena(&[100]);
    let mut loan = lend(&mut arena, 0, Right::Write);
    let loan = std::thread::spawn(move || {
        loan.bytes_mut().fill(7);
        loan
    });
    arena.give_back(loan.join().unwrap());
    let readers: Vec<Loan> = (0..3).map(|_| lend(&mut arena, 0, Right::Read)).collect();
    let threads = readers.into_iter().map(|loan| {
        std::thread::spawn(move || {
            assert_eq!(loan.bytes(), [7; 100]);
            loan
        })
    });
    let threads: Vec<_> = threads.collect();
    assert_eq!(arena.bytes(BufferId(0)), None);
    threads.into_iter().for_each(|t| arena.give_back(t.join().unwrap()));
    assert_eq!(arena.bytes(BufferId(0)), Some(&[7; 100][..]));
}

#[test]
fn racers_share_atomic_words_padded_at_the_end() {
    let mut arena = arena(&[12]);
    let racers: Vec<Loan> = (0..2).map(|_| lend(&mut arena, 0, Right::Race)).collect();
    let threads = racers.into_iter().map(|mut loan| {
        std::thread::spawn(move || {
            let KernelBuffer::Racy(words) = loan.buffer() else { panic!("not racy") };
            assert_eq!(words.len(), 2);
            (0..50).for_each(|_| _ = words[0].fetch_add(1, Ordering::Relaxed));
            loan
        })
    });
    let threads: Vec<_> = threads.collect();
    threads.into_iter().for_each(|t| arena.give_back(t.join().unwrap()));
    assert_eq!(arena.bytes(BufferId(0)).unwrap()[..8], 100u64.to_ne_bytes());
}

#[test]
fn loans_that_exclude_each_other_are_refused() {
    use Right::{Race, Read, Write};
    for (first, second, is_fine) in [
        (Read, Read, true),
        (Race, Race, true),
        (Read, Write, false),
        (Read, Race, false),
        (Write, Read, false),
        (Write, Write, false),
        (Write, Race, false),
        (Race, Read, false),
        (Race, Write, false),
    ] {
        let mut arena = arena(&[8]);
        let one = lend(&mut arena, 0, first);
        match arena.lend(BufferId(0), second) {
            Ok(two) => {
                assert!(is_fine, "{first:?} and {second:?}");
                arena.give_back(two);
            }
            Err(conflict) => {
                assert!(!is_fine, "{first:?} and {second:?}");
                assert_eq!(conflict, Conflict { buffer: BufferId(0) });
            }
        }
        arena.give_back(one);
        let third = lend(&mut arena, 0, second);
        arena.give_back(third);
    }
}

#[test]
fn freed_blocks_serve_the_same_size_class_of_the_same_memory() {
    let mut arena = arena(&[1000]);
    let mut loan = lend(&mut arena, 0, Right::Write);
    loan.bytes_mut().fill(9);
    let start = loan.start;
    arena.give_back(loan);
    arena.release(BufferId(0));
    assert_eq!(arena.allocate(BufferId(1), ObjectId(1), MemoryId(1), 1000), Ok(true));
    assert_eq!(arena.allocate(BufferId(0), ObjectId(2), HOST, 990), Ok(false));
    let loan = lend(&mut arena, 0, Right::Read);
    assert_eq!((loan.start, loan.bytes().len()), (start, 990));
    arena.give_back(loan);
    let live = [(BufferId(0), ObjectId(2), HOST), (BufferId(1), ObjectId(1), MemoryId(1))];
    assert_eq!(arena.live().collect::<Vec<_>>(), live);
}

#[test]
fn the_limit_counts_live_buffers_and_vacant_blocks_make_way() {
    let mut arena = Arena::new(1, 1024);
    assert_eq!(arena.allocate(BufferId(0), ObjectId(0), HOST, 512), Ok(true));
    let exhausted = Exhausted { used_bytes: 512 };
    assert_eq!(arena.allocate(BufferId(1), ObjectId(1), HOST, 640), Err(exhausted));
    arena.release(BufferId(0));
    assert_eq!(arena.allocate(BufferId(1), ObjectId(1), HOST, 640), Ok(true));
    assert_eq!((arena.live_bytes, arena.vacant_bytes), (640, 0));
    assert_eq!(arena.allocate(BufferId(2), ObjectId(1), HOST, 0), Ok(true));
}

#[test]
fn an_arena_that_ends_first_leaves_lent_memory_alone() {
    let mut arena = arena(&[64, 64]);
    let mut loan = lend(&mut arena, 1, Right::Write);
    drop(arena);
    loan.bytes_mut().fill(1);
    assert_eq!(loan.bytes(), [1; 64]);
}

#[test]
#[should_panic(expected = "released while it is lent")]
fn a_lent_buffer_is_not_released() {
    let mut arena = arena(&[64]);
    let _loan = lend(&mut arena, 0, Right::Read);
    arena.release(BufferId(0));
}

#[test]
#[should_panic(expected = "was not lent")]
fn a_loan_of_another_arena_is_not_taken_back() {
    let (mut one, mut two) = (arena(&[64]), arena(&[64]));
    let loan = lend(&mut one, 0, Right::Read);
    let _mine = lend(&mut two, 0, Right::Read);
    two.give_back(loan);
}

#[test]
fn warm_blocks_are_used_first_and_never_take_more_than_half_the_limit() {
    let mut arena = Arena::new(2, 1 << 20);
    assert!(arena.warm(HOST, 100_000));
    assert!(!arena.warm(HOST, 0), "nothing to touch");
    assert_eq!((arena.live_bytes, arena.vacant_bytes), (0, class_of(100_000).bytes));
    // Of its class, in its memory: taken; elsewhere, or of another size: made anew.
    assert_eq!(arena.allocate(BufferId(0), ObjectId(0), MemoryId(1), 100_000), Ok(true));
    assert_eq!(arena.allocate(BufferId(1), ObjectId(1), HOST, 100_000), Ok(false));
    assert_eq!(arena.vacant_bytes, 0);
    assert!(arena.bytes(BufferId(1)).unwrap().iter().all(|b| *b == 0));
    let warmed = (0..10).filter(|_| arena.warm(HOST, 100_000)).count();
    assert!((1..=5).contains(&warmed), "{warmed} of 1 MiB at 100 kB each");
    // Warm blocks give way when something else needs the room.
    assert_eq!(arena.allocate(BufferId(2), ObjectId(2), HOST, 700_000), Ok(true));
}
