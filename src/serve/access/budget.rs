//! How much of the city at large scale one caller may fetch: distinct cells of zoom 16 in a sliding window, so that a whole city is
//! not carried off tile by tile. A request that would take one cell too many is refused whole and takes none.

use super::declared;
use crate::geo::BBox;
use crate::layer::Sensitivity;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The zoom of the cells (WebMercatorQuad): some 500 m at the latitudes of China.
const CELL_ZOOM: u8 = 16;
/// Callers that are remembered.
const MOST_CALLERS: usize = 100_000;

pub struct Budget {
    cells: usize,
    warn: usize,
    window: Duration,
    pub sensitivity: Sensitivity,
    pub from_zoom: u8,
    callers: Arc<Mutex<Callers>>,
}

/// Which cells each caller was given, and when.
type Callers = HashMap<String, HashMap<u64, Instant>>;

/// What a request comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spent {
    Fine,
    /// So many cells: the number to be warned of was passed.
    Warn(usize),
    /// Not before so many seconds.
    TooMuch(u64),
}

impl Budget {
    pub fn new(declared: &declared::AreaBudget) -> Budget {
        Budget {
            cells: declared.cells,
            warn: declared.warn,
            window: Duration::from_secs(declared.window_s),
            sensitivity: declared.sensitivity,
            from_zoom: declared.from_zoom,
            callers: Arc::default(),
        }
    }

    /// What was spent before counts here too.
    pub fn goes_on_from(&mut self, before: &Budget) {
        self.callers = Arc::clone(&before.callers);
    }

    pub fn spend(&self, caller: &str, cells: &[u64]) -> Spent {
        self.spend_at(caller, cells, Instant::now())
    }

    fn spend_at(&self, caller: &str, cells: &[u64], now: Instant) -> Spent {
        if cells.is_empty() {
            return Spent::Fine;
        }
        let mut callers = self.callers.lock().unwrap_or_else(PoisonError::into_inner);
        if callers.len() >= MOST_CALLERS && !callers.contains_key(caller) {
            self.make_room(&mut callers, now);
        }
        let own = callers.entry(caller.to_string()).or_default();
        own.retain(|_, at| now.duration_since(*at) < self.window);
        let before = own.len();
        let mut new: Vec<u64> = cells.iter().filter(|c| !own.contains_key(c)).copied().collect();
        new.sort_unstable();
        new.dedup();
        let after = before + new.len();
        if !new.is_empty() && after > self.cells {
            // When enough of the oldest have left the window.
            let mut ages: Vec<Duration> = own.values().map(|at| now.duration_since(*at)).collect();
            ages.sort_unstable_by(|a, b| b.cmp(a));
            let leaving = ages.get((after - self.cells).saturating_sub(1)).copied().unwrap_or_default();
            return Spent::TooMuch((self.window - leaving).as_secs().max(1));
        }
        own.extend(new.into_iter().map(|c| (c, now)));
        match before < self.warn && after >= self.warn {
            true => Spent::Warn(after),
            false => Spent::Fine,
        }
    }

    /// Forgets who has nothing in the window any more, else who has spent least.
    fn make_room(&self, callers: &mut Callers, now: Instant) {
        callers.retain(|_, cells| cells.values().any(|at| now.duration_since(*at) < self.window));
        if callers.len() >= MOST_CALLERS {
            let least = callers.values().map(HashMap::len).min().unwrap_or(0);
            callers.retain(|_, cells| cells.len() > least);
        }
    }
}

/// Whose budget a caller without a credential spends: that of an address, or of the /64 that a subscriber has.
pub fn purse_of(address: IpAddr) -> String {
    // A listener for both kinds of addresses gives those of IPv4 as IPv6 ones, all of one /64.
    match address.to_canonical() {
        IpAddr::V6(ip) => format!("{:x}", u128::from(ip) >> 64),
        IpAddr::V4(ip) => ip.to_string(),
    }
}

/// The cell of a place, `[longitude°, latitude°]`.
pub fn cell_of(p: [f64; 2]) -> u64 {
    let n = f64::from(1u32 << CELL_ZOOM);
    let lat = p[1].clamp(-85.051, 85.051).to_radians();
    let x = ((p[0] + 180.0) / 360.0 * n).clamp(0.0, n - 1.0) as u64;
    let y = ((1.0 - lat.tan().asinh() / std::f64::consts::PI) / 2.0 * n).clamp(0.0, n - 1.0) as u64;
    (x << 32) | y
}

/// The cells of a box in degrees, `most` at most of them.
pub fn cells_of(b: &BBox, most: usize) -> Vec<u64> {
    // A hair inside: a tile's own edge is the next tile's.
    let (w, h) = (b.width() * 1e-3, b.height() * 1e-3);
    let first = cell_of([b.min_x + w, b.max_y - h]);
    let last = cell_of([b.max_x - w, b.min_y + h]);
    let (xs, ys) = (first >> 32..=last >> 32, (first & 0xffff_ffff)..=(last & 0xffff_ffff));
    ys.flat_map(|y| xs.clone().map(move |x| (x << 32) | y)).take(most).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geo::{TileKey, TileMatrixSet};

    #[test]
    fn cells_are_counted_once_and_leave_after_the_window() {
        let declared = declared::AreaBudget { cells: 4, warn: 3, window_s: 100, ..Default::default() };
        let (budget, start) = (Budget::new(&declared), Instant::now());
        let at = |s: u64| start + Duration::from_secs(s);
        assert_eq!(budget.spend_at("a", &[1, 2], at(0)), Spent::Fine);
        assert_eq!(budget.spend_at("a", &[2, 1, 1], at(10)), Spent::Fine);
        assert_eq!(budget.spend_at("a", &[3], at(20)), Spent::Warn(3));
        assert_eq!(budget.spend_at("a", &[4, 5], at(30)), Spent::TooMuch(70), "when 1 and 2 leave");
        assert_eq!(budget.spend_at("a", &[4], at(30)), Spent::Fine, "what was refused took nothing");
        assert_eq!(budget.spend_at("a", &[1, 2, 3, 4], at(40)), Spent::Fine, "what was seen may be seen again");
        assert_eq!(budget.spend_at("b", &[9, 8, 7, 6], at(40)), Spent::Warn(4));
        assert_eq!(budget.spend_at("b", &[5], at(40)), Spent::TooMuch(100));
        assert_eq!(budget.spend_at("a", &[5, 6], at(101)), Spent::Warn(4));
        assert_eq!(budget.spend_at("c", &[1, 2, 3, 4, 5], at(101)), Spent::TooMuch(100), "more than there is at all");
    }

    #[test]
    fn an_address_has_one_purse_however_it_is_written() {
        let purse = |text: &str| purse_of(text.parse().unwrap());
        assert_eq!(purse("::ffff:192.0.2.7"), purse("192.0.2.7"));
        assert_ne!(purse("::ffff:192.0.2.7"), purse("::ffff:192.0.2.8"));
        assert_eq!(purse("2001:db8:0:1::7"), purse("2001:db8:0:1:ffff::1"), "one subscriber");
        assert_ne!(purse("2001:db8:0:1::7"), purse("2001:db8:0:2::7"));
    }

    #[test]
    fn a_tile_has_the_cells_it_covers() {
        let grid = TileMatrixSet::web_mercator_quad();
        for (z, x, y, want) in
            [(16, 53_500, 25_900, 1), (15, 26_750, 12_950, 4), (14, 13_375, 6_475, 16), (18, 214_000, 103_600, 1)]
        {
            let b = grid.window(TileKey { z, x, y }, 0.0);
            let cells = cells_of(&b, 1000);
            assert_eq!(cells.len(), want, "z {z}");
            assert!(cells.contains(&cell_of(b.center())));
        }
    }
}
