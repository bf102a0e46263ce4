//! Seeded chance: a small generator (SplitMix64) and smooth noise over the plane. The same seed gives the same
//! city on every machine. Not for secrets.

/// SplitMix64's finaliser (Steele, Lea, Flood 2014).
fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// One stream of chance. Streams with different tags are independent, so that a theme can be made again alone.
#[derive(Debug, Clone)]
pub struct Rng(u64);

impl Rng {
    pub fn of(seed: u64, theme: &str, number: u64) -> Rng {
        let tag =
            theme.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x100_0000_01b3));
        Rng(mix(seed ^ mix(tag)).wrapping_add(mix(number.wrapping_mul(0x9e37_79b9_7f4a_7c15))))
    }

    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// Uniform in [0, 1).
    pub fn unit(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Uniform in [low, high).
    pub fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// Uniform in 0 .. n; 0 for n = 0.
    pub fn below(&mut self, n: usize) -> usize {
        ((u128::from(self.next_u64()) * n as u128) >> 64) as usize
    }

    pub fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    pub fn pick<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.below(list.len())]
    }

    /// One of `list`, by weight.
    pub fn weighted<'a, T>(&mut self, list: &'a [(T, f64)]) -> &'a T {
        let mut at = self.unit() * list.iter().map(|(_, w)| w).sum::<f64>();
        for (item, weight) in list {
            if at < *weight {
                return item;
            }
            at -= weight;
        }
        &list[list.len() - 1].0
    }
}

/// Value noise in [−1, 1], continuous with its first two derivatives; its slope is at most 3.75 / `cell_m`.
pub fn noise(seed: u64, x_m: f64, y_m: f64, cell_m: f64) -> f64 {
    let (gx, gy) = (x_m / cell_m, y_m / cell_m);
    let (ix, iy) = (gx.floor(), gy.floor());
    let corner = |dx: f64, dy: f64| {
        let h = mix(seed ^ mix((ix + dx) as i64 as u64 ^ mix((iy + dy) as i64 as u64)));
        (h >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    };
    let smooth = |t: f64| t * t * t * (t * (t * 6.0 - 15.0) + 10.0);
    let (u, v) = (smooth(gx - ix), smooth(gy - iy));
    let low = corner(0.0, 0.0) * (1.0 - u) + corner(1.0, 0.0) * u;
    let high = corner(0.0, 1.0) * (1.0 - u) + corner(1.0, 1.0) * u;
    low * (1.0 - v) + high * v
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_repeat_and_differ() {
        let draw = |seed, theme, n| Rng::of(seed, theme, n).next_u64();
        assert_eq!(draw(1, "a", 0), draw(1, "a", 0));
        assert_ne!(draw(1, "a", 0), draw(2, "a", 0));
        assert_ne!(draw(1, "a", 0), draw(1, "b", 0));
        assert_ne!(draw(1, "a", 0), draw(1, "a", 1));
    }

    #[test]
    fn noise_is_smooth_and_bounded() {
        for i in 0..2000 {
            let (x, y) = (f64::from(i) * 3.7 - 900.0, f64::from(i) * 1.3);
            let here = noise(7, x, y, 100.0);
            assert!((-1.0..=1.0).contains(&here));
            assert!((noise(7, x + 0.01, y, 100.0) - here).abs() <= 0.01 * 3.75 / 100.0 * 2.0);
        }
    }
}
