//! Workbooks that are encrypted although nobody chose a password: Excel encrypts a workbook whose structure is protected with a
//! password that every copy of Excel knows. Those are opened; for any other password there is only the word that one is needed.
//! Follows [MS-OFFCRYPTO] 2.3 and [MS-XLS] 2.2.10. The only file that names ciphers and hash functions.

use aes::{
    Aes128, Aes192, Aes256, Block,
    cipher::{BlockCipherDecrypt, KeyInit},
};
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha384, Sha512};

use crate::markup::{Markup, Piece};

/// [MS-XLS] 2.4.191: the password of workbooks that have none.
const PASSWORD: &str = "VelvetSweatshop";
/// Excel writes 100,000; a file that asks for more than this wants to keep the reader busy.
const MOST_SPINS: u32 = 1_000_000;

/// Why a workbook stays closed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Locked {
    /// Somebody chose a password.
    Password,
    /// It makes no sense, or is of a kind that is not read.
    Unreadable(String),
}

fn unreadable<T>(what: &str) -> Result<T, Locked> {
    Err(Locked::Unreadable(what.to_string()))
}

/// The zip archive in the streams `EncryptionInfo` and `EncryptedPackage`.
pub(crate) fn package(info: &[u8], package: &[u8]) -> Result<Vec<u8>, Locked> {
    let (major, minor) = (u16_at(info, 0)?, u16_at(info, 2)?);
    let size = usize::try_from(u64_at(package, 0)?).unwrap_or(usize::MAX);
    let body = package[8..].to_vec();
    if size > body.len() {
        return unreadable("its encrypted part is cut off");
    }
    let mut plain = match (major, minor) {
        (4, 4) => agile(info.get(8..).unwrap_or_default(), body)?,
        (2..=4, 2) => standard(&info[4..], body)?,
        _ => return unreadable(&format!("encryption {major}.{minor} is not read")),
    };
    plain.truncate(size);
    Ok(plain)
}

/// Decrypts the records of an xls in place. `false`: they were not encrypted.
pub(crate) fn workbook(stream: &mut [u8]) -> Result<bool, Locked> {
    let Some((place, length)) = find_record(stream, FILEPASS) else { return Ok(false) };
    let body = stream[place + 4..place + 4 + length].to_vec();
    if u16_at(&body, 0)? == 0 {
        // XOR obfuscation of Excel 95; the password is known by a check sum alone.
        return Err(Locked::Password);
    }
    let keys = match (u16_at(&body, 2)?, u16_at(&body, 4)?) {
        (1, 1) => RecordKeys::plain(&body[6..])?,
        (2..=4, 2) => RecordKeys::crypto_api(&body[6..])?,
        (major, minor) => return unreadable(&format!("encryption {major}.{minor} is not read")),
    };
    keys.decrypt(stream);
    // A record that says nothing in the place of the one that says encrypted.
    stream[place..place + 2].copy_from_slice(&INTERFACE_END.to_le_bytes());
    Ok(true)
}

const FILEPASS: u16 = 0x002f;
const INTERFACE_END: u16 = 0x00e2;
const BOUND_SHEET: u16 = 0x0085;
/// [MS-XLS] 2.2.10: the bodies of these are never encrypted (BOF, FilePass, UsrExcl, FileLock, InterfaceHdr, RRDInfo, RRDHead).
const NEVER_ENCRYPTED: [u16; 7] = [0x0809, FILEPASS, 0x0194, 0x0195, 0x00e1, 0x0196, 0x0138];

/// The records of a stream: place, kind, length of the body.
pub(crate) fn records(stream: &[u8]) -> impl Iterator<Item = (usize, u16, usize)> {
    let mut place = 0;
    std::iter::from_fn(move || {
        let header = stream.get(place..place + 4)?;
        let (kind, length) =
            (u16::from_le_bytes([header[0], header[1]]), usize::from(u16::from_le_bytes([header[2], header[3]])));
        let found = (place, kind, length);
        place += 4 + length;
        (place <= stream.len()).then_some(found)
    })
}

/// FilePass stands among the first records, before the first sheet is named.
fn find_record(stream: &[u8], wanted: u16) -> Option<(usize, usize)> {
    records(stream)
        .take_while(|(_, kind, _)| *kind != BOUND_SHEET)
        .find(|(_, kind, _)| *kind == wanted)
        .map(|(place, _, length)| (place, length))
}

/// The keys of an xls, one for each 1024 bytes.
enum RecordKeys {
    Md5 { base: [u8; 5] },
    Sha1 { base: Vec<u8>, bytes: usize },
}

impl RecordKeys {
    /// [MS-OFFCRYPTO] 2.3.6, with keys of 40 bits.
    fn plain(body: &[u8]) -> Result<RecordKeys, Locked> {
        let (salt, verifier, hash) = (part(body, 0, 16)?, part(body, 16, 16)?, part(body, 32, 16)?);
        let first = Md5::digest(password());
        let mut repeated = Vec::new();
        for _ in 0..16 {
            repeated.extend_from_slice(&first[..5]);
            repeated.extend_from_slice(salt);
        }
        let second = Md5::digest(repeated);
        let keys = RecordKeys::Md5 { base: [second[0], second[1], second[2], second[3], second[4]] };
        keys.verified(verifier, hash, |plain| Md5::digest(plain).to_vec())
    }

    /// [MS-OFFCRYPTO] 2.3.5.
    fn crypto_api(body: &[u8]) -> Result<RecordKeys, Locked> {
        let (header, verifier) = Header::read(body)?;
        if header.algorithm != 0x6801 {
            return unreadable(&format!("cipher {:#x} is not read in an xls", header.algorithm));
        }
        let bytes = if header.key_bits == 0 { 5 } else { header.key_bits / 8 };
        if !(5..=16).contains(&bytes) {
            return unreadable("a key of impossible length");
        }
        let base = Sha1::digest([verifier.salt, &password()].concat()).to_vec();
        let keys = RecordKeys::Sha1 { base, bytes };
        keys.verified(verifier.input, part(verifier.hash, 0, 20)?, |plain| Sha1::digest(plain).to_vec())
    }

    fn verified(self, input: &[u8], hash: &[u8], digest: impl Fn(&[u8]) -> Vec<u8>) -> Result<RecordKeys, Locked> {
        let mut both = [input, hash].concat();
        self.cipher(0).apply(&mut both);
        let (input, hash) = both.split_at(input.len());
        if digest(input) == hash { Ok(self) } else { Err(Locked::Password) }
    }

    fn cipher(&self, block: u32) -> Rc4 {
        match self {
            RecordKeys::Md5 { base } => {
                Rc4::new(&Md5::digest([base.as_slice(), block.to_le_bytes().as_slice()].concat()))
            }
            RecordKeys::Sha1 { base, bytes } => {
                let hash = Sha1::digest([base.as_slice(), block.to_le_bytes().as_slice()].concat());
                let mut key = hash[..*bytes].to_vec();
                // A key of 40 bits is filled up with zeros.
                if *bytes == 5 {
                    key.resize(16, 0);
                }
                Rc4::new(&key)
            }
        }
    }

    /// Headers of records take part in the stream of keys, but are not encrypted.
    fn decrypt(&self, stream: &mut [u8]) {
        let plain: Vec<(usize, usize)> = records(stream)
            .map(|(place, kind, length)| match kind {
                // Where the sheet begins, which the reader needs before it can decrypt.
                BOUND_SHEET => (place, 4 + length.min(4)),
                kind if NEVER_ENCRYPTED.contains(&kind) => (place, 4 + length),
                _ => (place, 4),
            })
            .collect();
        let before: Vec<u8> = stream.to_vec();
        for (block, bytes) in stream.chunks_mut(1024).enumerate() {
            self.cipher(block as u32).apply(bytes);
        }
        for (place, length) in plain {
            stream[place..place + length].copy_from_slice(&before[place..place + length]);
        }
    }
}

/// [MS-OFFCRYPTO] 2.3.2: what stands before the verifier.
struct Header {
    algorithm: u32,
    key_bits: usize,
}

struct Verifier<'b> {
    salt: &'b [u8],
    input: &'b [u8],
    hash: &'b [u8],
}

impl Header {
    /// Flags, the length of the header, the header, the verifier.
    fn read(body: &[u8]) -> Result<(Header, Verifier<'_>), Locked> {
        let length = u32_at(body, 4)? as usize;
        let header = part(body, 8, length)?;
        let verifier = &body[8 + length..];
        let found = Header { algorithm: u32_at(header, 8)?, key_bits: u32_at(header, 16)? as usize };
        let rest = verifier.get(40..).unwrap_or_default();
        Ok((found, Verifier { salt: part(verifier, 4, 16)?, input: part(verifier, 20, 16)?, hash: rest }))
    }
}

/// [MS-OFFCRYPTO] 2.3.4.7 to 2.3.4.9: Office 2007.
fn standard(body: &[u8], mut package: Vec<u8>) -> Result<Vec<u8>, Locked> {
    let (header, verifier) = Header::read(body)?;
    if !matches!((header.algorithm, header.key_bits), (0x660e, 128) | (0x660f, 192) | (0x6610, 256)) {
        return unreadable(&format!("cipher {:#x} is not read", header.algorithm));
    }
    let mut hash = Sha1::digest([verifier.salt, &password()].concat());
    for spin in 0..50_000_u32 {
        hash = Sha1::digest([spin.to_le_bytes().as_slice(), hash.as_slice()].concat());
    }
    hash = Sha1::digest([hash.as_slice(), &[0; 4]].concat());
    let half = |fill: u8| {
        let mut block = [fill; 64];
        block.iter_mut().zip(&hash).for_each(|(byte, other)| *byte ^= other);
        Sha1::digest(block)
    };
    let key = [half(0x36), half(0x5c)].concat();
    let cipher = Cipher::new(&key[..header.key_bits / 8])?;
    let (mut input, mut hash) = (verifier.input.to_vec(), part(verifier.hash, 4, 32)?.to_vec());
    // Between the two stands the length of the hash before it was filled up.
    if u32_at(verifier.hash, 0).is_err() {
        return unreadable("its verifier is cut off");
    }
    cipher.each_block(&mut input);
    cipher.each_block(&mut hash);
    if Sha1::digest(&input)[..] != hash[..20] {
        return Err(Locked::Password);
    }
    cipher.each_block(&mut package);
    Ok(package)
}

/// [MS-OFFCRYPTO] 2.3.4.10 to 2.3.4.15: Office 2010 and later.
fn agile(xml: &[u8], package: Vec<u8>) -> Result<Vec<u8>, Locked> {
    let text = String::from_utf8_lossy(xml);
    let (mut data, mut key) = (None, None);
    for piece in Markup::new(&text) {
        if let Piece::Open { name, attributes, .. } = piece {
            match name.rsplit(':').next().unwrap_or_default() {
                "keydata" if data.is_none() => data = Some(Agile::read(&attributes)?),
                "encryptedkey" if key.is_none() => key = Some((Agile::read(&attributes)?, attributes)),
                _ => {}
            }
        }
    }
    let (Some(data), Some((lock, attributes))) = (data, key) else {
        return unreadable("it is encrypted with a certificate");
    };
    let number = |name: &str| attribute(&attributes, name).and_then(|text| text.parse::<u32>().ok());
    let value = |name: &str| attribute(&attributes, name).and_then(base64);
    let spins = match number("spincount") {
        Some(spins) if spins <= MOST_SPINS => spins,
        _ => return unreadable("its key asks for more work than Excel ever does"),
    };
    let (Some(input), Some(hash), Some(secret)) =
        (value("encryptedverifierhashinput"), value("encryptedverifierhashvalue"), value("encryptedkeyvalue"))
    else {
        return unreadable("its key is incomplete");
    };
    let mut spun = lock.hash.digest(&[&lock.salt, &password()]);
    for spin in 0..spins {
        spun = lock.hash.digest(&[&spin.to_le_bytes(), &spun]);
    }
    let opened = |purpose: [u8; 8], mut value: Vec<u8>| -> Result<Vec<u8>, Locked> {
        let key = fitted(lock.hash.digest(&[&spun, &purpose]), lock.key_bytes);
        Cipher::new(&key)?.chained(&fitted(lock.salt.clone(), 16), &mut value);
        Ok(value)
    };
    let input = opened([0xfe, 0xa7, 0xd2, 0x76, 0x3b, 0x4b, 0x9e, 0x79], input)?;
    let hash = opened([0xd7, 0xaa, 0x0f, 0x6d, 0x30, 0x61, 0x34, 0x4e], hash)?;
    let expected = lock.hash.digest(&[&input[..input.len().min(lock.salt.len())]]);
    if !hash.starts_with(&expected) {
        return Err(Locked::Password);
    }
    let secret = opened([0x14, 0x6e, 0x0b, 0xe7, 0xab, 0xac, 0xd0, 0xd6], secret)?;
    let cipher = Cipher::new(&fitted(secret, data.key_bytes))?;
    let mut plain = package;
    for (segment, bytes) in plain.chunks_mut(4096).enumerate() {
        let start = fitted(data.hash.digest(&[&data.salt, &(segment as u32).to_le_bytes()]), 16);
        cipher.chained(&start, bytes);
    }
    Ok(plain)
}

struct Agile {
    salt: Vec<u8>,
    key_bytes: usize,
    hash: Hash,
}

type Attributes = [(String, String)];

impl Agile {
    fn read(attributes: &Attributes) -> Result<Agile, Locked> {
        let text = |name: &str| attribute(attributes, name).unwrap_or_default();
        if text("cipheralgorithm") != "AES" || text("cipherchaining") != "ChainingModeCBC" {
            return unreadable(&format!("cipher {} {} is not read", text("cipheralgorithm"), text("cipherchaining")));
        }
        let hash = match text("hashalgorithm") {
            "SHA1" | "SHA-1" => Hash::Sha1,
            "SHA256" => Hash::Sha256,
            "SHA384" => Hash::Sha384,
            "SHA512" => Hash::Sha512,
            other => return unreadable(&format!("hash {other} is not read")),
        };
        let key_bytes = text("keybits").parse::<usize>().unwrap_or(0) / 8;
        Ok(Agile { salt: base64(text("saltvalue")).unwrap_or_default(), key_bytes, hash })
    }
}

#[derive(Clone, Copy)]
enum Hash {
    Sha1,
    Sha256,
    Sha384,
    Sha512,
}

impl Hash {
    fn digest(self, parts: &[&[u8]]) -> Vec<u8> {
        let joined = parts.concat();
        match self {
            Hash::Sha1 => Sha1::digest(joined).to_vec(),
            Hash::Sha256 => Sha256::digest(joined).to_vec(),
            Hash::Sha384 => Sha384::digest(joined).to_vec(),
            Hash::Sha512 => Sha512::digest(joined).to_vec(),
        }
    }
}

/// AES with a key of one of its three lengths.
enum Cipher {
    Aes128(Aes128),
    Aes192(Aes192),
    Aes256(Aes256),
}

impl Cipher {
    fn new(key: &[u8]) -> Result<Cipher, Locked> {
        let cipher = match key.len() {
            16 => Aes128::new_from_slice(key).ok().map(Cipher::Aes128),
            24 => Aes192::new_from_slice(key).ok().map(Cipher::Aes192),
            32 => Aes256::new_from_slice(key).ok().map(Cipher::Aes256),
            _ => None,
        };
        cipher.map_or_else(|| unreadable("a key of impossible length"), Ok)
    }

    fn block(&self, bytes: &[u8]) -> Block {
        let mut block = Block::default();
        block.copy_from_slice(bytes);
        match self {
            Cipher::Aes128(cipher) => cipher.decrypt_block(&mut block),
            Cipher::Aes192(cipher) => cipher.decrypt_block(&mut block),
            Cipher::Aes256(cipher) => cipher.decrypt_block(&mut block),
        }
        block
    }

    /// Electronic code book. What does not fill a block stays.
    fn each_block(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_exact_mut(16) {
            let plain = self.block(chunk);
            chunk.copy_from_slice(&plain);
        }
    }

    /// Cipher block chaining from `start`.
    fn chained(&self, start: &[u8], bytes: &mut [u8]) {
        let mut previous = start.to_vec();
        for chunk in bytes.chunks_exact_mut(16) {
            let mut plain = self.block(chunk);
            plain.iter_mut().zip(&previous).for_each(|(byte, other)| *byte ^= other);
            previous.copy_from_slice(chunk);
            chunk.copy_from_slice(&plain);
        }
    }
}

struct Rc4 {
    state: [u8; 256],
    i: u8,
    j: u8,
}

impl Rc4 {
    fn new(key: &[u8]) -> Rc4 {
        let mut state: [u8; 256] = std::array::from_fn(|index| index as u8);
        let mut j = 0_u8;
        for i in 0..256 {
            j = j.wrapping_add(state[i]).wrapping_add(key[i % key.len()]);
            state.swap(i, usize::from(j));
        }
        Rc4 { state, i: 0, j: 0 }
    }

    fn apply(&mut self, bytes: &mut [u8]) {
        for byte in bytes {
            self.i = self.i.wrapping_add(1);
            self.j = self.j.wrapping_add(self.state[usize::from(self.i)]);
            self.state.swap(usize::from(self.i), usize::from(self.j));
            let place = self.state[usize::from(self.i)].wrapping_add(self.state[usize::from(self.j)]);
            *byte ^= self.state[usize::from(place)];
        }
    }
}

/// The password as Office hashes it: UTF-16, little end first.
fn password() -> Vec<u8> {
    PASSWORD.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// Cut, or filled up with 0x36, to `length`.
fn fitted(mut bytes: Vec<u8>, length: usize) -> Vec<u8> {
    bytes.resize(length.min(64), 0x36);
    bytes
}

fn attribute<'a>(attributes: &'a Attributes, name: &str) -> Option<&'a str> {
    attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

fn base64(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let (mut bits, mut count) = (0_u32, 0);
    for letter in text.bytes().filter(|letter| !letter.is_ascii_whitespace() && *letter != b'=') {
        let value = match letter {
            b'A'..=b'Z' => letter - b'A',
            b'a'..=b'z' => letter - b'a' + 26,
            b'0'..=b'9' => letter - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = (bits << 6) | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
            bits &= (1 << count) - 1;
        }
    }
    Some(bytes)
}

fn part(bytes: &[u8], start: usize, length: usize) -> Result<&[u8], Locked> {
    match start.checked_add(length).and_then(|end| bytes.get(start..end)) {
        Some(part) => Ok(part),
        None => unreadable("its encryption is cut off"),
    }
}

fn u16_at(bytes: &[u8], start: usize) -> Result<u16, Locked> {
    part(bytes, start, 2).map(|part| u16::from_le_bytes([part[0], part[1]]))
}

fn u32_at(bytes: &[u8], start: usize) -> Result<u32, Locked> {
    part(bytes, start, 4).map(|part| u32::from_le_bytes([part[0], part[1], part[2], part[3]]))
}

fn u64_at(bytes: &[u8], start: usize) -> Result<u64, Locked> {
    Ok(u64::from(u32_at(bytes, start)?) | u64::from(u32_at(bytes, start + 4)?) << 32)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6229, key 0102030405, offset 0.
    #[test]
    fn rc4_gives_the_published_stream() {
        let mut bytes = [0; 8];
        Rc4::new(&[1, 2, 3, 4, 5]).apply(&mut bytes);
        assert_eq!(bytes, [0xb2, 0x39, 0x63, 0x05, 0xf0, 0x3d, 0xc0, 0x27]);
    }

    /// RFC 4648, section 10.
    #[test]
    fn base64_gives_the_published_texts() {
        for (text, expected) in [("Zg==", "f"), ("Zm8=", "fo"), ("Zm9vYmFy", "foobar"), ("", "")] {
            assert_eq!(base64(text).unwrap(), expected.as_bytes());
        }
        assert_eq!(base64("Z-"), None);
    }

    #[test]
    fn what_is_cut_off_is_told() {
        assert_eq!(package(&[4, 0, 4], &[0; 8]), unreadable("its encryption is cut off"));
        assert_eq!(package(&[2, 0, 2, 0], &[0; 8]), unreadable("its encryption is cut off"));
        assert_eq!(package(&[4, 0, 4, 0], &[9; 8]), unreadable("its encrypted part is cut off"));
        assert_eq!(workbook(&mut [0x2f, 0, 2, 0, 1, 0]), unreadable("its encryption is cut off"));
        assert_eq!(workbook(&mut [0x2f, 0, 2, 0, 1]), Ok(false));
    }
}
