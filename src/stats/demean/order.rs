//! Rows by the levels of several effects: by the first of an order of the effects, then the second, and so on. Knows codes,
//! no values.

use crate::design::Group;

/// The codes of each row in one number, sorted. Sorting numbers reads memory as it comes; going back from a sorted row
/// to its codes would fetch each from anywhere.
pub(super) struct Packed {
    keys: Vec<u64>,
    /// Where the code of each effect of the order begins, the first one's in the highest bits.
    shifts: Vec<u32>,
    masks: Vec<u64>,
}

impl Packed {
    /// The code of the effect at `position` of the order in a sorted row.
    pub(super) fn code(&self, position: usize, row: usize) -> u32 {
        self.code_of(position, self.keys[row])
    }

    fn code_of(&self, position: usize, key: u64) -> u32 {
        (key >> self.shifts[position] & self.masks[position]) as u32
    }
}

/// `None` where the codes do not fit into one number.
pub(super) fn packed(effects: &[Group], order: &[usize]) -> Option<Packed> {
    let mut packed = Packed { keys: vec![0; effects[0].codes.len()], shifts: Vec::new(), masks: Vec::new() };
    let mut bits = 0;
    for effect in order.iter().rev() {
        let width = usize::BITS - effects[*effect].levels.leading_zeros();
        packed.shifts.push(bits);
        packed.masks.push((1 << width) - 1);
        bits += width;
    }
    if bits > u64::BITS {
        return None;
    }
    packed.shifts.reverse();
    packed.masks.reverse();
    for (effect, shift) in order.iter().zip(&packed.shifts) {
        let codes = effects[*effect].codes.iter();
        packed.keys.iter_mut().zip(codes).for_each(|(key, code)| *key |= u64::from(*code) << shift);
    }
    if packed.keys.is_sorted() {
        return Some(packed);
    }
    let mut next = vec![0; packed.keys.len()];
    for (position, effect) in order.iter().enumerate().rev() {
        let mut places = places(&effects[*effect]);
        for key in &packed.keys {
            let place = &mut places[packed.code_of(position, *key) as usize];
            next[*place as usize] = *key;
            *place += 1;
        }
        std::mem::swap(&mut packed.keys, &mut next);
    }
    Some(packed)
}

/// The rows themselves; equal ones stay in their order.
pub(super) fn sorted(effects: &[Group], order: &[usize]) -> Vec<u32> {
    let n_rows = effects[0].codes.len();
    let mut rows: Vec<u32> = (0..n_rows as u32).collect();
    let key = |row: usize| order.iter().map(move |effect| effects[*effect].codes[row]);
    // A panel in the order of its key is sorted already.
    if (1..n_rows).all(|row| key(row - 1).le(key(row))) {
        return rows;
    }
    let mut next = vec![0_u32; n_rows];
    for effect in order.iter().rev() {
        let codes = &effects[*effect].codes;
        let mut places = places(&effects[*effect]);
        for row in &rows {
            let place = &mut places[codes[*row as usize] as usize];
            next[*place as usize] = *row;
            *place += 1;
        }
        std::mem::swap(&mut rows, &mut next);
    }
    rows
}

/// How many rows have a level before each level.
fn places(effect: &Group) -> Vec<u32> {
    let mut places = vec![0_u32; effect.levels + 1];
    effect.codes.iter().for_each(|code| places[*code as usize + 1] += 1);
    for level in 0..effect.levels {
        places[level + 1] += places[level];
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(levels: usize, codes: Vec<u32>) -> Group {
        Group { name: "g".to_string(), codes, levels }
    }

    #[test]
    fn packed_codes_are_those_of_the_sorted_rows() {
        let effects = [
            group(4, (0..200).map(|row| row * row % 4).collect()),
            group(37, (0..200).map(|row| row * 31 % 37).collect()),
            group(8, (0..200).map(|row| (row / 7 + row * 5) % 8).collect()),
        ];
        for order in [vec![1, 2, 0], vec![1, 0], vec![0, 1, 2]] {
            let rows = sorted(&effects, &order);
            let packed = packed(&effects, &order).expect("few levels");
            for (index, row) in rows.iter().enumerate() {
                for (position, effect) in order.iter().enumerate() {
                    assert_eq!(
                        packed.code(position, index),
                        effects[*effect].codes[*row as usize],
                        "{order:?} {index}"
                    );
                }
            }
        }
    }

    #[test]
    fn codes_that_do_not_fit_are_left_to_the_rows() {
        let wide = || group(1 << 30, vec![0, 1]);
        assert!(packed(&[wide(), wide()], &[0, 1]).is_some());
        assert!(packed(&[wide(), wide(), wide()], &[0, 1, 2]).is_none());
    }
}
