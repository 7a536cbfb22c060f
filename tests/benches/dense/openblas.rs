//! OpenBLAS of the system, where it is installed, to compare with. Its detection does not know
//! recent processors and then halves its speed, so its core type is forced.

use libloading::{Library, Symbol};
use std::ffi::{c_char, c_int};

const NAMES: [&str; 2] = ["libopenblas.so.0", "libopenblas.so"];
/// Kernels with AVX-512, for processors that have it.
const CORE_TYPE: &str = "SKYLAKEX";

/// A loaded library.
pub struct OpenBlas {
    library: Library,
}

type Gemm = unsafe extern "C" fn(
    *const c_char,
    *const c_char,
    *const c_int,
    *const c_int,
    *const c_int,
    *const f64,
    *const f64,
    *const c_int,
    *const f64,
    *const c_int,
    *const f64,
    *mut f64,
    *const c_int,
);
type Potrf = unsafe extern "C" fn(*const c_char, *const c_int, *mut f64, *const c_int, *mut c_int);
type Getrf = unsafe extern "C" fn(
    *const c_int,
    *const c_int,
    *mut f64,
    *const c_int,
    *mut c_int,
    *mut c_int,
);
type Geqrf = unsafe extern "C" fn(
    *const c_int,
    *const c_int,
    *mut f64,
    *const c_int,
    *mut f64,
    *mut f64,
    *const c_int,
    *mut c_int,
);
type SetThreads = unsafe extern "C" fn(c_int);

impl OpenBlas {
    /// The library, or `None` where there is none. To be called before there are other threads.
    pub fn load() -> Option<Self> {
        if std::is_x86_feature_detected!("avx512f") && std::env::var("OPENBLAS_CORETYPE").is_err() {
            // SAFETY: no other thread runs yet that could read the environment meanwhile.
            unsafe { std::env::set_var("OPENBLAS_CORETYPE", CORE_TYPE) };
        }
        // SAFETY: the library's initialisers read the environment and start threads, no more.
        let library = NAMES.iter().find_map(|name| unsafe { Library::new(*name) }.ok())?;
        Some(Self { library })
    }

    fn symbol<T>(&self, name: &str) -> Symbol<'_, T> {
        // SAFETY: the types above are the Fortran interface of BLAS and LAPACK with 32-bit
        // integers, which Debian's libopenblas has.
        unsafe { self.library.get(name) }.expect("OpenBLAS has all of BLAS and LAPACK")
    }

    /// How many threads the next calls use.
    pub fn set_threads(&self, threads: u32) {
        let set = self.symbol::<SetThreads>("openblas_set_num_threads");
        // SAFETY: it takes one integer.
        unsafe { set(threads as c_int) }
    }

    /// `C = A B`, all of order `n`.
    pub fn gemm(&self, n: usize, a: &[f64], b: &[f64], c: &mut [f64]) {
        assert!([a.len(), b.len(), c.len()] == [n * n; 3]);
        let (gemm, none, order) = (self.symbol::<Gemm>("dgemm_"), c"N".as_ptr(), &(n as c_int));
        let (a, b, c) = (a.as_ptr(), b.as_ptr(), c.as_mut_ptr());
        // SAFETY: the matrices have the sizes that are named.
        unsafe { gemm(none, none, order, order, order, &1.0, a, order, b, order, &0.0, c, order) }
    }

    /// The lower Cholesky factor of a matrix of order `n`, in place.
    pub fn potrf(&self, n: usize, a: &mut [f64]) {
        assert_eq!(a.len(), n * n);
        let (potrf, order) = (self.symbol::<Potrf>("dpotrf_"), n as c_int);
        let mut info = 0;
        // SAFETY: the matrix has the size that is named.
        unsafe { potrf(c"L".as_ptr(), &order, a.as_mut_ptr(), &order, &mut info) };
        assert_eq!(info, 0, "the matrix is positive definite");
    }

    /// The LU factors of a matrix of order `n`, in place.
    pub fn getrf(&self, n: usize, a: &mut [f64]) {
        assert_eq!(a.len(), n * n);
        let (getrf, order) = (self.symbol::<Getrf>("dgetrf_"), n as c_int);
        let (mut pivots, mut info) = (vec![0; n], 0);
        // SAFETY: the matrix has the size that is named, and there are as many pivots.
        unsafe {
            getrf(&order, &order, a.as_mut_ptr(), &order, pivots.as_mut_ptr(), &mut info);
        }
        assert_eq!(info, 0, "the matrix is regular");
    }

    /// The QR factors of a matrix of order `n`, in place.
    pub fn geqrf(&self, n: usize, a: &mut [f64]) {
        assert_eq!(a.len(), n * n);
        let (geqrf, order) = (self.symbol::<Geqrf>("dgeqrf_"), n as c_int);
        let (mut tau, mut work, mut info) = (vec![0.0; n], vec![0.0; 64 * n], 0);
        let length = work.len() as c_int;
        let (tau, room) = (tau.as_mut_ptr(), work.as_mut_ptr());
        // SAFETY: the matrix has the size that is named, and the work space that of `length`.
        unsafe { geqrf(&order, &order, a.as_mut_ptr(), &order, tau, room, &length, &mut info) };
        assert_eq!(info, 0, "the arguments are right");
    }
}
