//! The machine's roofline (Williams, Waterman and Patterson, CACM 52(4), 2009) and places under it.

use crate::machine;
use crate::stopwatch::Seconds;

/// What bounds a kernel.
pub struct Roof {
    /// Operations per second of one core, by processor time.
    pub peak_flops: f64,
    /// Bytes per second from memory to one core.
    pub bytes_per_s: f64,
}

impl Roof {
    /// Measures and prints this machine's.
    pub fn measure() -> Self {
        let (wall, cpu) = machine::peak_flops();
        let (one, two) = (machine::triad_bytes_per_s(1), machine::triad_bytes_per_s(2));
        println!(
            "peak of one core: {:.1} GF/s by its own time, {:.1} by the clock",
            cpu / 1e9,
            wall / 1e9
        );
        println!("triad: {:.1} GB/s one core, {:.1} GB/s two", one / 1e9, two / 1e9);
        println!("ridge: {:.1} operations per byte from memory", cpu / one);
        Self { peak_flops: cpu, bytes_per_s: one }
    }

    /// The head of the kernels' table.
    pub fn print_head(&self) {
        println!(
            "\nkernels, one core, warm tiles; roof: by bytes of the tiles touched once from memory"
        );
        println!(
            "{:<18}{:>6}{:>10}{:>10}{:>10}{:>12}{:>12}",
            "kernel", "order", "GF/s cpu", "GF/s wall", "of peak", "flops/byte", "roof GF/s"
        );
    }

    /// A line of it.
    pub fn print_kernel(&self, name: &str, n: usize, flops: f64, bytes: f64, best: Seconds) {
        let intensity = flops / bytes;
        let roof = self.peak_flops.min(self.bytes_per_s * intensity);
        println!(
            "{name:<18}{n:>6}{:>10.1}{:>10.1}{:>9.0}%{intensity:>12.1}{:>12.1}",
            flops / best.cpu / 1e9,
            flops / best.wall / 1e9,
            100.0 * flops / best.cpu / self.peak_flops,
            roof / 1e9
        );
    }
}
