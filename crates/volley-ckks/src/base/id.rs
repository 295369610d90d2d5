//! Ids: names and hashes of a fixed length, by which objects are told apart.

/// The bytes of an id in and out, all of it in hexadecimal digits, and the first ones where it is debugged.
macro_rules! id {
    ($id:ident, $bytes:literal) => {
        impl $id {
            /// The id with these bytes, as it was stored.
            #[must_use]
            pub fn from_bytes(bytes: [u8; $bytes]) -> Self {
                Self(bytes)
            }

            /// The bytes.
            #[must_use]
            pub fn as_bytes(&self) -> &[u8; $bytes] {
                &self.0
            }
        }

        impl std::fmt::Display for $id {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        /// Shows the first bytes.
        impl std::fmt::Debug for $id {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                let [a, b, c, d, ..] = self.0;
                write!(f, concat!(stringify!($id), "({:02x}{:02x}{:02x}{:02x}…)"), a, b, c, d)
            }
        }
    };
}

pub(crate) use id;
