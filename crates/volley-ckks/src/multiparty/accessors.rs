//! The accessors that messages share, and those that the stages of an owner share.

/// Whose message it is: for an `impl` of a type with the fields `pool` and `member`.
macro_rules! message {
    ($($of:tt)*) => {
        $($of)* {
            /// The pool it is of.
            #[must_use]
            pub fn pool(&self) -> $crate::multiparty::pool_id::PoolId {
                self.pool
            }

            /// Index of the member.
            #[must_use]
            pub fn member(&self) -> usize {
                self.member
            }
        }
    };
}

/// Who the owner is: for a type with a field `secret`.
macro_rules! owner {
    ($owner:ident) => {
        impl $owner {
            /// The pool.
            #[must_use]
            pub fn pool(&self) -> &$crate::multiparty::pool::Pool {
                self.secret.pool()
            }

            /// The owner's index.
            #[must_use]
            pub fn member(&self) -> usize {
                self.secret.member()
            }
        }
    };
}

pub(super) use {message, owner};
