//! The CUDA C files of this crate and the kernels in them.

/// A file of kernels, compiled as one module.
#[derive(Clone, Copy, Debug)]
pub struct Source {
    /// File name, in `gpu/kernels`.
    pub file: &'static str,
    /// CUDA C.
    pub text: &'static str,
    /// Names of the kernels in it.
    pub kernels: &'static [&'static str],
}

/// All of them.
pub const SOURCES: [Source; 5] = [
    Source {
        file: "elementwise.cu",
        text: include_str!("../kernels/elementwise.cu"),
        kernels: &["axpy_f32", "axpy_f64", "relu_f32", "gelu_f32"],
    },
    Source {
        file: "rows.cu",
        text: include_str!("../kernels/rows.cu"),
        kernels: &["row_sums_f32", "softmax_rows_f32"],
    },
    Source {
        file: "experts.cu",
        text: include_str!("../kernels/experts.cu"),
        kernels: &["gather_rows_f32", "combine_rows_f32"],
    },
    Source {
        file: "optimizers.cu",
        text: include_str!("../kernels/optimizers.cu"),
        kernels: &["momentum_f32", "adam_f32"],
    },
    Source {
        file: "synthetic.cu",
        text: include_str!("../kernels/synthetic.cu"),
        kernels: &["spin", "sweep_f32"],
    },
];

/// Options that the kernels are compiled with: for every GPU since Turing, without contracting
/// products and sums by itself, so that the twins on the host round alike.
pub const OPTIONS: [&str; 3] = ["--gpu-architecture=compute_75", "--fmad=false", "--std=c++17"];

/// Least capability that [`OPTIONS`] compile for.
pub const NEEDED_CAPABILITY: &str = "7.5";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_names_every_kernel_of_the_files() {
        for source in SOURCES {
            let pieces = source.text.split("__global__ void ").skip(1);
            let names: Vec<&str> = pieces.filter_map(|p| p.split('(').next()).collect();
            assert_eq!(names, source.kernels, "{}", source.file);
        }
    }
}
