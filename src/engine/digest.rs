//! BLAKE3-256 digests: of bytes, of files, and of typed values with length prefixes.
//! The only owner of the hash. Knows nothing of what is hashed or why: see `fingerprint.rs`.

use crate::error::EngineError;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Files from this size on are hashed with all threads of the machine.
const PARALLEL_FROM: u64 = 4 << 20;

/// A BLAKE3-256 digest. Shown, stored and ordered as 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 32]);

/// Feeds typed fields to the hash: each is its length as u64 little-endian, then its bytes, so that
/// `"ab" + "c"` and `"a" + "bc"` differ.
pub struct Hasher(blake3::Hasher);

impl Digest {
    pub fn of_bytes(bytes: &[u8]) -> Digest {
        Digest(*blake3::hash(bytes).as_bytes())
    }

    /// Digest and size of the file's content.
    pub fn of_file(path: &Path) -> Result<(Digest, u64), EngineError> {
        let read = |source| EngineError::Read { path: path.into(), source };
        let mut file = File::open(path).map_err(read)?;
        let size = file.metadata().map_err(read)?.len();
        let mut hasher = blake3::Hasher::new();
        if size >= PARALLEL_FROM {
            hasher.update_mmap_rayon(path).map_err(read)?;
        } else {
            let mut buffer = Vec::with_capacity(size as usize);
            file.read_to_end(&mut buffer).map_err(read)?;
            hasher.update(&buffer);
        }
        Ok((Digest(*hasher.finalize().as_bytes()), size))
    }

    pub fn from_hex(text: &str) -> Option<Digest> {
        blake3::Hash::from_hex(text).ok().map(|hash| Digest(*hash.as_bytes()))
    }

    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    pub fn hex(&self) -> String {
        blake3::Hash::from_bytes(self.0).to_hex().to_string()
    }

    /// The first twelve digits, for people.
    pub fn short(&self) -> String {
        self.hex()[..12].to_string()
    }
}

impl Hasher {
    /// `domain` separates uses, so that equal fields of different things never share a digest.
    pub fn new(domain: &str) -> Hasher {
        let mut hasher = Hasher(blake3::Hasher::new());
        hasher.field(domain.as_bytes());
        hasher
    }

    pub fn field(&mut self, bytes: &[u8]) -> &mut Hasher {
        self.0.update(&(bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
        self
    }

    pub fn text(&mut self, text: &str) -> &mut Hasher {
        self.field(text.as_bytes())
    }

    pub fn finish(&self) -> Digest {
        Digest(*self.0.finalize().as_bytes())
    }
}

impl From<[u8; 32]> for Digest {
    fn from(bytes: [u8; 32]) -> Digest {
        Digest(bytes)
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.hex())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.short())
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.serialize_str(&self.hex())
        } else {
            self.0.serialize(serializer)
        }
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Digest, D::Error> {
        if !deserializer.is_human_readable() {
            return <[u8; 32]>::deserialize(deserializer).map(Digest);
        }
        let text = String::deserialize(deserializer)?;
        Digest::from_hex(&text).ok_or_else(|| serde::de::Error::custom("not a BLAKE3 digest"))
    }
}
