//! The accessors that the plans of this crate share. Parameters, layout and costs are those of a plan of matrices.

/// The accessors of a plan that has a plan of matrices in its field `matrices`.
macro_rules! planned {
    ($plan:ty) => {
        impl $plan {
            /// The CKKS parameters.
            #[must_use]
            pub fn parameters(&self) -> &$crate::volley_ckks::Parameters {
                self.matrices.parameters()
            }

            /// The layout: where the entries of the matrices lie.
            #[must_use]
            pub fn layout(&self) -> $crate::volley_revolver::Layout {
                self.matrices.layout()
            }

            /// The evaluation keys that the server needs.
            #[must_use]
            pub fn key_spec(&self) -> &$crate::volley_ckks::KeySpec {
                self.matrices.key_spec()
            }

            /// The operations that the server does, by level.
            #[must_use]
            pub fn counts(&self) -> &$crate::volley_ckks::OperationCounts {
                self.matrices.counts()
            }

            /// The ciphertexts that the owner uploads.
            #[must_use]
            pub fn upload(&self) -> $crate::volley_ckks::Upload {
                self.matrices.upload()
            }

            /// The most memory that the server takes at any time, with so many threads.
            #[must_use]
            pub fn memory(&self, threads: usize) -> $crate::volley_ckks::costs::Memory {
                self.matrices.memory(threads)
            }

            /// Seconds of the server on one core, by the model that the plan was chosen with.
            #[must_use]
            pub fn seconds(&self) -> f64 {
                self.matrices.seconds()
            }
        }
    };
}

pub(crate) use planned;
