//! Once the buffers have grown, nothing is allocated.

use crate::driver::Random;
use sim::network::MaxMin;
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// The system's allocator, counting what each thread asks for.
struct Counting;

thread_local! {
    static REQUESTS: Cell<u64> = const { Cell::new(0) };
}

fn count() {
    // A thread that is ending has no counter left, and nobody to read it.
    let _ = REQUESTS.try_with(|requests| requests.set(requests.get() + 1));
}

// SAFETY: every call is passed on unchanged to the system's allocator, which keeps the contract.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller's promises are the ones that `System` asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as above; `pointer` came from `System`.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: as above.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Keeps 40 flows running in a star of 8 hosts, the same sequence every time. Some routes have five
/// channels.
fn round(network: &mut MaxMin, start_ns: u64) -> u64 {
    let mut random = Random(3);
    let mut now_ns = start_ns;
    for i in 0..2000 {
        let [up, down] = random.star_route(8);
        let route = [up, down, 16, 17, 18];
        let length = if random.below(10) == 0 { 5 } else { 2 };
        network.start(now_ns, 1 + random.below(1_000_000), &route[..length]);
        if i >= 40 {
            let (end_ns, flow) = network.next_completion().expect("flows run");
            network.finish(end_ns, flow);
            now_ns = end_ns;
        }
    }
    while let Some((end_ns, flow)) = network.next_completion() {
        network.finish(end_ns, flow);
        now_ns = end_ns;
    }
    now_ns
}

#[test]
fn a_warm_network_allocates_nothing() {
    let mut network = MaxMin::new(&[1e9; 19]);
    let mut now_ns = 0;
    // Slots are reused in another order each time, so that buffers grow for a few rounds.
    for _ in 0..20 {
        now_ns = round(&mut network, now_ns);
    }
    let before = REQUESTS.get();
    assert!(before > 0);
    round(&mut network, now_ns);
    assert_eq!(REQUESTS.get() - before, 0);
}
