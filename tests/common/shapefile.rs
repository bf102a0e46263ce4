//! A shapefile of points with one column of text, all its bytes written here.

/// Bytes of its text column.
const WIDTH: u8 = 10;

/// The .shp, .shx and .dbf of these places, whose texts (at most 10 bytes) stand in the column `field`.
pub fn shapefile(
    places: &[[f64; 2]],
    field: &[u8; 4],
    text: impl Fn(usize) -> Vec<u8>,
) -> [(&'static str, Vec<u8>); 3] {
    let n = places.len() as u32;
    let header = |bytes: u32| {
        let mut h = vec![0u8; 100];
        h[..4].copy_from_slice(&9994u32.to_be_bytes());
        h[24..28].copy_from_slice(&(bytes / 2).to_be_bytes());
        h[28..32].copy_from_slice(&1000u32.to_le_bytes());
        h[32..36].copy_from_slice(&1u32.to_le_bytes());
        h
    };
    let (mut shp, mut shx) = (header(100 + n * 28), header(100 + n * 8));
    for (i, p) in places.iter().enumerate() {
        shx.extend((shp.len() as u32 / 2).to_be_bytes());
        shx.extend(10u32.to_be_bytes());
        shp.extend((i as u32 + 1).to_be_bytes());
        shp.extend(10u32.to_be_bytes());
        shp.extend(1u32.to_le_bytes());
        p.iter().for_each(|v| shp.extend(v.to_le_bytes()));
    }
    let mut dbf = vec![0u8; 32];
    dbf[0] = 3;
    dbf[4..8].copy_from_slice(&n.to_le_bytes());
    dbf[8..10].copy_from_slice(&65u16.to_le_bytes());
    dbf[10..12].copy_from_slice(&(u16::from(WIDTH) + 1).to_le_bytes());
    let mut column = [0u8; 32];
    column[..4].copy_from_slice(field);
    (column[11], column[16]) = (b'C', WIDTH);
    dbf.extend(column);
    dbf.push(0x0d);
    for i in 0..places.len() {
        dbf.push(b' ');
        let mut value = text(i);
        value.resize(WIDTH.into(), b' ');
        dbf.extend(value);
    }
    [("shp", shp), ("shx", shx), ("dbf", dbf)]
}
