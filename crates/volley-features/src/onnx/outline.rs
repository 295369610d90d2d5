//! How many parts an ONNX file has, counted before memory is taken for them. A node or a tensor may take two bytes in a
//! file, and takes hundreds in memory.

use prost::encoding::{WireType, decode_key, decode_varint};

use super::Refusal;

/// The largest networks of images have some ten thousand.
const MAX_PARTS: usize = 1 << 20;

/// A kind of message, which says what its fields are.
#[derive(Clone, Copy)]
enum Message {
    Model,
    Graph,
    Node,
    Attribute,
    /// A tensor or the declaration of a value, whose fields are not looked into.
    Leaf,
}

impl Message {
    fn child(self, tag: u32) -> Option<Self> {
        match (self, tag) {
            (Self::Model, 7) => Some(Self::Graph),
            (Self::Graph, 1) => Some(Self::Node),
            (Self::Node, 5) => Some(Self::Attribute),
            (Self::Graph, 5 | 11 | 12) | (Self::Attribute, 5) => Some(Self::Leaf),
            _ => None,
        }
    }
}

/// Refuses a file of too many parts, or one that is not made of fields.
pub(super) fn check(content: &[u8]) -> Result<(), Refusal> {
    let mut parts = 0;
    match count(content, Message::Model, &mut parts) {
        Some(()) if parts <= MAX_PARTS => Ok(()),
        Some(()) => Err(Refusal::Model(format!("it has more than {MAX_PARTS} parts"))),
        None => Err(Refusal::Model("not an ONNX file".to_owned())),
    }
}

/// Adds up the fields of a message and of those within it, until there are too many.
fn count(mut rest: &[u8], message: Message, parts: &mut usize) -> Option<()> {
    while !rest.is_empty() && *parts <= MAX_PARTS {
        *parts += 1;
        let (tag, kind) = decode_key(&mut rest).ok()?;
        let length = match kind {
            WireType::Varint => {
                decode_varint(&mut rest).ok()?;
                0
            }
            WireType::ThirtyTwoBit => 4,
            WireType::SixtyFourBit => 8,
            WireType::LengthDelimited => usize::try_from(decode_varint(&mut rest).ok()?).ok()?,
            WireType::StartGroup | WireType::EndGroup => return None,
        };
        let (field, after) = rest.split_at_checked(length)?;
        if let (WireType::LengthDelimited, Some(child)) = (kind, message.child(tag)) {
            count(field, child, parts)?;
        }
        rest = after;
    }
    Some(())
}
