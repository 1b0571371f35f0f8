//! Random numbers without a state: each is a function of the seed, the stage, the draw and a position, so that neither the
//! order of draws nor the number of threads shows. Knows no estimator.
//!
//! Philox4x32-10 of Salmon, Moraes, Dror & Shaw (2011): ten rounds of multiplications on a counter of 128 bits.

/// The random numbers of one stage.
#[derive(Clone, Copy, Debug)]
pub struct Random {
    key: [u32; 2],
}

impl Random {
    /// `seed` is the study's, `stage` identifies what draws: two stages with one seed draw independently.
    pub fn new(seed: u64, stage: u64) -> Random {
        let key = mixed(mixed(seed) ^ stage);
        Random { key: [key as u32, (key >> 32) as u32] }
    }

    /// 64 random bits.
    pub fn bits(&self, draw: u64, position: u64) -> u64 {
        let [low, high, ..] = self.block(draw, position);
        u64::from(high) << 32 | u64::from(low)
    }

    /// 128 random bits.
    pub fn block(&self, draw: u64, position: u64) -> [u32; 4] {
        philox([position as u32, (position >> 32) as u32, draw as u32, (draw >> 32) as u32], self.key)
    }

    /// Of the interval from 0 to 1, without 1.
    pub fn uniform(&self, draw: u64, position: u64) -> f64 {
        (self.bits(draw, position) >> 11) as f64 * (1.0 / (1_u64 << 53) as f64)
    }

    /// One of the numbers below `bound`, which is positive.
    pub fn below(&self, draw: u64, position: u64, bound: usize) -> usize {
        // The chance of one number over another is off by less than bound / 2⁶⁴.
        ((u128::from(self.bits(draw, position)) * bound as u128) >> 64) as usize
    }

    /// The numbers below `length` in random order (Fisher & Yates, Durstenfeld 1964).
    pub fn permutation(&self, draw: u64, length: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..length).collect();
        for last in (1..length).rev() {
            order.swap(last, self.below(draw, last as u64, last + 1));
        }
        order
    }
}

/// The finalizer of SplitMix64 (Steele, Lea & Flood 2014) after one step of its sequence.
fn mixed(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ value >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ value >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ value >> 31
}

fn philox(mut counter: [u32; 4], mut key: [u32; 2]) -> [u32; 4] {
    for round in 0..10 {
        if round > 0 {
            key = [key[0].wrapping_add(0x9e37_79b9), key[1].wrapping_add(0xbb67_ae85)];
        }
        let first = u64::from(counter[0]) * 0xd251_1f53;
        let second = u64::from(counter[2]) * 0xcd9e_8d57;
        counter = [
            (second >> 32) as u32 ^ counter[1] ^ key[0],
            second as u32,
            (first >> 32) as u32 ^ counter[3] ^ key[1],
            first as u32,
        ];
    }
    counter
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `kat_vectors` of the authors' library Random123, philox 4x32 with 10 rounds.
    #[test]
    fn published_vectors_are_met() {
        for (counter, key, expected) in [
            ([0; 4], [0; 2], [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]),
            ([u32::MAX; 4], [u32::MAX; 2], [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]),
            (
                [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344],
                [0xa409_3822, 0x299f_31d0],
                [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1],
            ),
        ] {
            assert_eq!(philox(counter, key), expected);
        }
        // The first two numbers of SplitMix64 from state 1234567 (its reference implementation).
        assert_eq!(mixed(1_234_567), 6_457_827_717_110_365_317);
        assert_eq!(mixed(1_234_567_u64.wrapping_add(0x9e37_79b9_7f4a_7c15)), 3_203_168_211_198_807_973);
    }

    #[test]
    fn numbers_are_spread_evenly_and_independently() {
        let random = Random::new(20_260_101, 7);
        let mut counts = [0_u32; 10];
        let mut sum = 0.0;
        for position in 0..10_000 {
            counts[random.below(3, position, 10)] += 1;
            sum += random.uniform(4, position);
        }
        // Chi-square with 9 degrees of freedom exceeds 27.9 once in a thousand seeds.
        let chi_square: f64 = counts.iter().map(|count| (f64::from(*count) - 1000.0).powi(2) / 1000.0).sum();
        assert!(chi_square < 27.9, "{counts:?}");
        assert!((sum / 10_000.0 - 0.5).abs() < 4.0 / (12.0_f64 * 10_000.0).sqrt(), "{sum}");
        let others = [Random::new(20_260_101, 8), Random::new(20_260_102, 7)];
        assert!(others.iter().all(|other| other.bits(0, 0) != random.bits(0, 0)));
        assert_ne!(random.bits(0, 1), random.bits(1, 0));
    }

    #[test]
    fn a_permutation_holds_every_number_once() {
        let random = Random::new(1, 2);
        for draw in 0..50 {
            let mut order = random.permutation(draw, 17);
            order.sort_unstable();
            assert_eq!(order, (0..17).collect::<Vec<_>>());
        }
        assert_ne!(random.permutation(0, 17), random.permutation(1, 17));
        assert!(random.permutation(0, 0).is_empty());
    }
}
