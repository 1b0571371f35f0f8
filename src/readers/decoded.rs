//! The text of a file, decoded on a thread of its own and held only as far as it is being read. Knows neither fields nor rows.

use std::{
    io,
    sync::mpsc::{Receiver, sync_channel},
    thread,
};

use encoding_rs::Encoding;

use crate::{encoding, error::ReadError, source::Source};

/// Blocks that may wait to be read.
const AHEAD: usize = 4;

/// A window on the text.
pub(crate) struct Decoded<'s> {
    source: &'s Source,
    blocks: Receiver<io::Result<String>>,
    /// What is there of the text; all of it if it has ended.
    pub(crate) window: String,
    has_ended: bool,
}

impl<'s> Decoded<'s> {
    pub(crate) fn open(source: &'s Source, encoding: &'static Encoding) -> Result<Decoded<'s>, ReadError> {
        let mut blocks = encoding::blocks(source, encoding)?;
        let (sender, receiver) = sync_channel(AHEAD);
        let decode = move || {
            while let Some(block) = blocks.next_block().transpose() {
                let failed = block.is_err();
                // Nobody may be there any more: an error above ends the reading.
                if sender.send(block).is_err() || failed {
                    break;
                }
            }
        };
        thread::Builder::new().name("decode".into()).spawn(decode).map_err(|error| source.open_error(error))?;
        Ok(Decoded { source, blocks: receiver, window: String::new(), has_ended: false })
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.has_ended
    }

    /// Forgets the first `read` bytes and gets more. What is left is at least doubled, so that a value of any length is looked
    /// at only a few times.
    pub(crate) fn more(&mut self, read: usize) -> Result<(), ReadError> {
        self.window.drain(..read);
        let wanted = 2 * self.window.len();
        loop {
            match self.blocks.recv() {
                Ok(Ok(block)) if self.window.is_empty() => self.window = block,
                Ok(Ok(block)) => self.window.push_str(&block),
                Ok(Err(error)) => return Err(self.source.open_error(error)),
                Err(_) => {
                    self.has_ended = true;
                    return Ok(());
                }
            }
            if self.window.len() > wanted {
                return Ok(());
            }
        }
    }
}
