//! Command integers → points, lines, polygons, with every breach of section 4.3 of the specification named.

use super::{Geometry, Point, unzigzag};

pub fn geometry(kind: u64, commands: &[u64], wrong: &mut Vec<String>) -> Geometry {
    match kind {
        0 => Geometry::Unknown,
        1..=3 => match read(commands) {
            Ok(paths) => build(kind, paths, wrong),
            Err((paths, e)) => {
                wrong.push(e);
                build(kind, paths, wrong)
            }
        },
        k => {
            wrong.push(format!("geometry type {k}"));
            Geometry::Unknown
        }
    }
}

/// What follows one MoveTo.
struct Path {
    /// Of the MoveTo: more than 1 for multipoints.
    moves: usize,
    points: Vec<Point>,
    line_tos: usize,
    closed: bool,
}

fn read(commands: &[u64]) -> Result<Vec<Path>, (Vec<Path>, String)> {
    let mut paths: Vec<Path> = vec![];
    let mut cursor = [0i64; 2];
    let mut rest = commands;
    if rest.is_empty() {
        return Err((paths, "the geometry is empty".into()));
    }
    while let Some((&command, tail)) = rest.split_first() {
        rest = tail;
        let (id, count) = (command & 7, (command >> 3) as usize);
        match (id, paths.last_mut()) {
            (1 | 2, _) if count == 0 || count > rest.len() / 2 => {
                return Err((paths, format!("command {id} counts {count}, {} parameters follow", rest.len())));
            }
            (1, _) => {
                let points = steps(&mut rest, count, &mut cursor);
                paths.push(Path { moves: count, points, line_tos: 0, closed: false });
            }
            (2, Some(path)) => {
                if path.closed {
                    return Err((paths, "LineTo after ClosePath".into()));
                }
                path.points.extend(steps(&mut rest, count, &mut cursor));
                path.line_tos += 1;
            }
            (7, Some(path)) => {
                if count != 1 || path.closed {
                    return Err((paths, format!("ClosePath counts {count}, or stands twice")));
                }
                path.closed = true;
            }
            (2 | 7, None) => return Err((paths, "the geometry does not begin with MoveTo".into())),
            _ => return Err((paths, format!("command {id} is unknown"))),
        }
    }
    Ok(paths)
}

/// Reads `count` pairs, which are there.
fn steps(rest: &mut &[u64], count: usize, cursor: &mut [i64; 2]) -> Vec<Point> {
    let (pairs, tail) = rest.split_at(2 * count);
    *rest = tail;
    let step = |p: &[u64]| {
        for k in 0..2 {
            // Parameters are 32 bits wide and wrap as other readers' do.
            let delta = unzigzag(u64::from(p[k] as u32));
            cursor[k] = i64::from((cursor[k] + delta) as i32);
        }
        [cursor[0] as i32, cursor[1] as i32]
    };
    pairs.chunks_exact(2).map(step).collect()
}

fn build(kind: u64, paths: Vec<Path>, wrong: &mut Vec<String>) -> Geometry {
    match kind {
        1 => {
            if paths.len() != 1 || paths.iter().any(|p| p.line_tos > 0 || p.closed) {
                wrong.push("points must be one MoveTo alone".into());
            }
            Geometry::Points(paths.into_iter().flat_map(|p| p.points).collect())
        }
        2 => Geometry::Lines(paths.into_iter().map(|p| line(p, wrong)).collect()),
        _ => Geometry::Polygons(polygons(paths, wrong)),
    }
}

fn line(p: Path, wrong: &mut Vec<String>) -> Vec<Point> {
    if p.moves != 1 || p.line_tos != 1 || p.closed {
        wrong.push("a line must be MoveTo 1 and one LineTo".into());
    }
    if p.points.windows(2).any(|s| s[0] == s[1]) {
        wrong.push("a line with a segment of no length".into());
    }
    p.points
}

fn polygons(paths: Vec<Path>, wrong: &mut Vec<String>) -> Vec<Vec<Vec<Point>>> {
    let mut out: Vec<Vec<Vec<Point>>> = vec![];
    for p in paths {
        if p.moves != 1 || p.line_tos != 1 || !p.closed {
            wrong.push("a ring must be MoveTo 1, one LineTo and ClosePath".into());
        }
        let n = p.points.len();
        if n < 3 {
            wrong.push(format!("a ring of {n} points"));
        }
        if (0..n).any(|i| p.points[i] == p.points[(i + 1) % n]) {
            wrong.push("a ring with an edge of no length, or that repeats its first point".into());
        }
        let area: i128 = (0..n)
            .map(|i| {
                let ([ax, ay], [bx, by]) = (p.points[i], p.points[(i + 1) % n]);
                i128::from(ax) * i128::from(by) - i128::from(bx) * i128::from(ay)
            })
            .sum();
        match (area, out.last_mut()) {
            (0, _) => wrong.push("a ring without area".into()),
            (1.., _) => out.push(vec![p.points]),
            (_, Some(polygon)) => polygon.push(p.points),
            (_, None) => {
                wrong.push("the first ring winds like an interior".into());
                out.push(vec![p.points]);
            }
        }
    }
    out
}
