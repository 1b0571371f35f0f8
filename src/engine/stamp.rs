//! What the system says of a file without reading it: enough to know that it is still the file that was hashed.
//! A stamp never decides that something changed, it only saves reading.

use serde::{Deserialize, Serialize};
use std::fs::Metadata;

/// Device, inode, size, and times of content and of status in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    device: u64,
    inode: u64,
    size: u64,
    modified: i64,
    changed: i64,
}

/// A file changed within this time before it was hashed could change again without a new time stamp.
const RACY_NANOSECONDS: i64 = 100_000_000;

impl Stamp {
    #[cfg(unix)]
    pub fn of(metadata: &Metadata) -> Stamp {
        use std::os::unix::fs::MetadataExt;
        let nanoseconds = |seconds: i64, rest: i64| seconds.saturating_mul(1_000_000_000).saturating_add(rest);
        Stamp {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.size(),
            modified: nanoseconds(metadata.mtime(), metadata.mtime_nsec()),
            changed: nanoseconds(metadata.ctime(), metadata.ctime_nsec()),
        }
    }

    #[cfg(not(unix))]
    pub fn of(metadata: &Metadata) -> Stamp {
        let modified = metadata
            .modified()
            .ok()
            .and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok())
            .map_or(i64::MAX, |age| age.as_nanos() as i64);
        Stamp { device: 0, inode: 0, size: metadata.len(), modified, changed: modified }
    }

    /// Whether the file was old enough when it was hashed that a later change must show. A time in the future, as after a
    /// clock that jumped back, is never settled.
    pub fn is_settled(&self, hashed_at: i64) -> bool {
        self.modified.max(self.changed).saturating_add(RACY_NANOSECONDS) < hashed_at
    }

    /// As text, for the index.
    pub fn text(&self) -> String {
        let Stamp { device, inode, size, modified, changed } = self;
        format!("{device}:{inode}:{size}:{modified}:{changed}")
    }

    pub fn from_text(text: &str) -> Option<Stamp> {
        let mut parts = text.split(':');
        let stamp = Stamp {
            device: parts.next()?.parse().ok()?,
            inode: parts.next()?.parse().ok()?,
            size: parts.next()?.parse().ok()?,
            modified: parts.next()?.parse().ok()?,
            changed: parts.next()?.parse().ok()?,
        };
        parts.next().is_none().then_some(stamp)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_is_its_text_and_settles_with_time() {
        let stamp = Stamp { device: 1, inode: 2, size: 3, modified: 4_000_000_000, changed: 5_000_000_000 };
        assert_eq!(Stamp::from_text(&stamp.text()), Some(stamp));
        assert_eq!(Stamp::from_text("1:2:3:4"), None);
        assert!(!stamp.is_settled(5_050_000_000));
        assert!(stamp.is_settled(5_200_000_000));
        assert!(!stamp.is_settled(3_000_000_000));
    }
}
