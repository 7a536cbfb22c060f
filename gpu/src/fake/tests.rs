use super::*;
use crate::{Call, Precision, Span, bind, twin};
use runtime::kernel::{Kernel, KernelArgs, KernelBuffer};

const GPU: GpuId = GpuId(0);

fn fake(faults: &[Fault]) -> FakeGpus {
    FakeGpus::new(FakeSpec { gpus: 2, faults: faults.to_vec(), ..FakeSpec::default() }).unwrap()
}

fn host(bytes: &[u8]) -> HostBox {
    let words: Vec<u64> = bytes.chunks_exact(8).map(bytemuck::pod_read_unaligned).collect();
    Box::new(words.into_boxed_slice())
}

fn whole(block: BlockId, bytes: u64) -> Span {
    Span { block, offset: 0, bytes }
}

fn wait(gpus: &mut FakeGpus, ticket: Ticket) -> Result<Done, Refused> {
    loop {
        if let Some(done) = gpus.poll(ticket)? {
            return Ok(done);
        }
    }
}

#[test]
fn memory_is_poisoned_copied_in_zeroed_and_copied_out() {
    let mut gpus = fake(&[]);
    let stream = gpus.stream(GPU, Priority::Normal, Duty::Kernels).unwrap();
    let block = gpus.allocate(GPU, 16).unwrap();
    let span = whole(block, 16);
    let look = |gpus: &mut FakeGpus| {
        let out = Op::CopyOut { from: span, to: host(&[0; 16]) };
        let ticket = gpus.submit(stream, out, &[]).unwrap();
        wait(gpus, ticket).unwrap().host.unwrap().bytes().to_vec()
    };
    assert_eq!(look(&mut gpus), [POISON; 16]);
    let put = Op::CopyIn { from: host(&[3; 16]), to: span };
    let first = gpus.submit(stream, put, &[]).unwrap();
    let zero = gpus.submit(stream, Op::Zero { span: span.part(8, 8) }, &[]).unwrap();
    let (first, zero) = (wait(&mut gpus, first).unwrap(), wait(&mut gpus, zero).unwrap());
    assert!(first.ended_ns <= zero.started_ns && zero.started_ns < zero.ended_ns);
    assert_eq!(look(&mut gpus), [[3; 8], [0; 8]].concat());
    gpus.free(block);
}

#[test]
fn streams_are_in_order_and_between_them_only_what_is_asked_for() {
    let mut gpus = fake(&[]);
    let streams = [0, 1].map(|_| gpus.stream(GPU, Priority::Normal, Duty::Kernels).unwrap());
    let block = gpus.allocate(GPU, 64).unwrap();
    let mut was_early = false;
    for _ in 0..20 {
        let ordered = gpus.submit(streams[0], Op::Launch { calls: &[] }, &[]).unwrap();
        let zero = Op::Zero { span: whole(block, 64) };
        let behind = gpus.submit(streams[1], zero, &[ordered]).unwrap();
        let free = gpus.submit(streams[0], Op::Launch { calls: &[] }, &[]).unwrap();
        let behind = wait(&mut gpus, behind).unwrap();
        let free = wait(&mut gpus, free).unwrap();
        let ordered = wait(&mut gpus, ordered).unwrap();
        assert!(ordered.ended_ns <= behind.started_ns && ordered.ended_ns <= free.started_ns);
        was_early |= free.ended_ns < behind.ended_ns;
    }
    assert!(was_early, "what was submitted last may end first");
}

#[test]
fn a_race_between_streams_loses_the_device_and_no_other() {
    let mut gpus = fake(&[]);
    let streams = [0, 1].map(|_| gpus.stream(GPU, Priority::Normal, Duty::Kernels).unwrap());
    let block = gpus.allocate(GPU, 64).unwrap();
    let span = whole(block, 64);
    let one = gpus.submit(streams[0], Op::Zero { span }, &[]).unwrap();
    let two = Op::CopyOut { from: span.part(32, 32), to: host(&[0; 32]) };
    let two = gpus.submit(streams[1], two, &[]).unwrap();
    let one = wait(&mut gpus, one).err().expect("it races");
    assert!(one.error.to_string().contains("race for the same memory"), "{one:?}");
    let two = wait(&mut gpus, two).err().expect("it races");
    assert!(two.host.is_some(), "host memory comes back");
    assert!(matches!(gpus.allocate(GPU, 8), Err(GpuError::Faulted { .. })));
    let other = gpus.stream(GpuId(1), Priority::High, Duty::Kernels).unwrap();
    let ticket = gpus.submit(other, Op::Launch { calls: &[] }, &[]).unwrap();
    wait(&mut gpus, ticket).unwrap();
}

#[test]
fn peers_copy_from_device_to_device() {
    let mut gpus = fake(&[]);
    let other = GpuId(1);
    let (mine, theirs) = (gpus.allocate(GPU, 8).unwrap(), gpus.allocate(other, 8).unwrap());
    let stream = gpus.stream(GPU, Priority::Normal, Duty::Kernels).unwrap();
    let put = Op::CopyIn { from: host(&[9; 8]), to: whole(mine, 8) };
    let put = gpus.submit(stream, put, &[]).unwrap();
    wait(&mut gpus, put).unwrap();
    let stream = gpus.stream(other, Priority::Normal, Duty::Kernels).unwrap();
    let peer = Op::CopyPeer { from: whole(mine, 8), to: whole(theirs, 8) };
    let peer = gpus.submit(stream, peer, &[]).unwrap();
    wait(&mut gpus, peer).unwrap();
    let out = Op::CopyOut { from: whole(theirs, 8), to: host(&[0; 8]) };
    let out = gpus.submit(stream, out, &[]).unwrap();
    assert_eq!(wait(&mut gpus, out).unwrap().host.unwrap().bytes(), [9; 8]);
}

#[test]
fn faults_come_when_they_are_due_with_messages_that_help() {
    let messages = [
        (Fault::Absent, "install NVIDIA's driver"),
        (Fault::OldDriver(12_040), "speaks CUDA 12.4, this program needs 13.0"),
    ];
    for (fault, part) in messages {
        let spec = FakeSpec { faults: vec![fault], ..FakeSpec::default() };
        let error = FakeGpus::new(spec).err().expect("it fails").to_string();
        assert!(error.contains(part), "{error}");
    }
    let mut gpus = fake(&[Fault::Allocation { gpu: GPU, after: 1, times: 1 }]);
    gpus.allocate(GPU, 8).unwrap();
    assert!(matches!(gpus.allocate(GPU, 8), Err(GpuError::OutOfMemory { live_bytes: 8, .. })));
    gpus.allocate(GPU, 8).unwrap();
    let span = whole(BlockId { gpu: GPU, index: 0 }, 8);
    let potrf = Call::Potrf { precision: Precision::F64, n: 1, a: span };
    let mut gpus = fake(&[Fault::Library("libcusolver.so.12")]);
    let stream = gpus.stream(GPU, Priority::Normal, Duty::Kernels).unwrap();
    let refused = gpus.submit(stream, Op::Launch { calls: &[potrf] }, &[]).err().unwrap();
    assert!(refused.error.to_string().contains("nvidia-cusolver"), "{refused:?}");
    let mut gpus = fake(&[Fault::Launch { gpu: GPU, after: 1 }, Fault::Pinned]);
    assert!(gpus.pinned(8).err().unwrap().to_string().contains("ulimit -l"));
    let stream = gpus.stream(GPU, Priority::Normal, Duty::Kernels).unwrap();
    for is_fine in [true, false] {
        let ticket = gpus.submit(stream, Op::Launch { calls: &[] }, &[]).unwrap();
        assert_eq!(wait(&mut gpus, ticket).is_ok(), is_fine);
    }
}

#[test]
fn a_kernel_gives_the_same_on_the_device_and_as_a_cpu_body() {
    let n = 12usize;
    let values: Vec<f64> = (0..n * n)
        .map(|at| if at % (n + 1) == 0 { 40.0 } else { (at * 37 % 11) as f64 - 5.0 })
        .collect();
    let bytes: &[u8] = bytemuck::cast_slice(&values);
    let set = bind::library();
    let kernel = set.get("potrf").unwrap();
    let mut on_cpu: Vec<f64> = values.clone();
    let mut buffers = [KernelBuffer::Write(bytemuck::cast_slice_mut(&mut on_cpu))];
    let shape = [n as u32, 0, 0, 0];
    let mut args =
        KernelArgs { shape, params: &[], cores: 1, buffers: &mut buffers, scratch: &mut [] };
    twin::Twin(Arc::clone(kernel)).run(&mut args).unwrap();

    let mut gpus = fake(&[]);
    let stream = gpus.stream(GPU, Priority::Normal, Duty::Kernels).unwrap();
    let block = gpus.allocate(GPU, bytes.len() as u64).unwrap();
    let span = whole(block, bytes.len() as u64);
    let mut calls = Vec::new();
    kernel.calls(&crate::GpuArgs { shape, params: &[], spans: &[span] }, &mut calls).unwrap();
    gpus.submit(stream, Op::CopyIn { from: host(bytes), to: span }, &[]).unwrap();
    gpus.submit(stream, Op::Launch { calls: &calls }, &[]).unwrap();
    let out = Op::CopyOut { from: span, to: host(&vec![0; bytes.len()]) };
    let ticket = gpus.submit(stream, out, &[]).unwrap();
    let done = wait(&mut gpus, ticket).unwrap();
    assert_eq!(done.host.unwrap().bytes(), bytemuck::cast_slice::<f64, u8>(&on_cpu));
    assert_ne!(on_cpu, values);
}
