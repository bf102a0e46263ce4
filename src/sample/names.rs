//! Names, organisations and dates of the sample city. Organisations are plausible, persons are masked, telephone
//! numbers are not in use; none of it is a register.

use super::rng::Rng;

/// Code (18 characters like a unified social credit code) and name.
pub type Org = (&'static str, &'static str);

pub const URBAN_BUREAU: Org = ("11410200005280011A", "开封市城市管理局");
pub const WATER: Org = ("91410200170600021B", "开封市供水集团有限公司");
pub const DRAINAGE: Org = ("12410200416300032C", "开封市排水·市政设施管理处");
pub const POWER: Org = ("91410200770600043D", "国网河南省电力公司开封供电公司");
pub const LIGHTING: Org = ("12410200416300054E", "开封市路灯(照明)管理处");
pub const TELECOM: &[Org] = &[
    ("91410200770600065F", "中国移动通信集团河南有限公司开封分公司"),
    ("91410200770600076G", "中国联合网络通信有限公司开封市分公司"),
    ("91410200770600087H", "中国电信股份有限公司开封分公司"),
    ("91410200770600098J", "中国铁塔股份有限公司开封市分公司"),
];
pub const CABLE_TV: Org = ("91410200770600109K", "河南有线电视网络集团开封分公司");
pub const HEAT: Org = ("91410200770600110L", "开封市热力有限公司");
pub const GAS: Org = ("91410200770600121M", "开封新奥燃气有限公司");
pub const TRAFFIC_POLICE: Org = ("11410200005280132N", "开封市公安局交通警察支队");
pub const PARKS: Org = ("12410200416300143P", "开封市园林绿化管理处");
pub const SANITATION: Org = ("12410200416300154Q", "开封市环境卫生管理处");
pub const RIVERS: Org = ("12410200416300165R", "开封市城市河道管理处");
pub const BRIDGES: Org = ("12410200416300176T", "开封市市政桥梁管理处");
pub const BUSES: Org = ("91410200770600187U", "开封市公共交通有限公司");
pub const POST: Org = ("91410200770600198W", "中国邮政集团有限公司开封市分公司");
pub const FIRE: Org = ("11410200005280209X", "开封市消防救援支队");
pub const ECOLOGY: Org = ("11410200005280210Y", "开封市生态环境局");
pub const HOUSING: Org = ("11410200005280221A", "开封市住房和城乡建设局");
pub const AIR_DEFENCE: Org = ("11410200005280232B", "开封市人民防空办公室");
pub const EMERGENCY: Org = ("11410200005280243C", "开封市应急管理局");
pub const TRANSPORT: Org = ("11410200005280254D", "开封市交通运输局");
pub const CIVIL_AFFAIRS: Org = ("11410200005280265E", "开封市民政局");
pub const SPORTS: Org = ("11410200005280276F", "开封市体育局");
pub const WEATHER: Org = ("12410200416300287G", "开封市气象局");
pub const CHARGING: Org = ("91410200770600298H", "开封城投新能源充电有限公司");
pub const PIPELINE: Org = ("91410000770600309J", "国家管网集团河南运维中心");
pub const PARKING: Org = ("91410200770600310K", "开封城市运营停车管理有限公司");
pub const INDUSTRY: Org = ("91410200770600321L", "开封精细化工园区公用工程有限公司");
pub const TUNNEL: Org = ("91410200770600332M", "开封市地下综合管廊建设管理有限公司");
pub const MARKET: Org = ("11410200005280343N", "开封市市场监督管理局");
pub const HEALTH: Org = ("11410200005280354P", "开封市卫生健康委员会");
pub const CULTURE: Org = ("11410200005280365Q", "开封市文化广电和旅游局");
pub const MUNICIPAL_EMERGENCY: Org = ("12410200416300376R", "开封市市政应急抢险中心");
pub const NIGHT_MARKETS: Org = ("12410200416300387T", "开封市夜市管理服务中心");
pub const BUILDER: Org = ("91410200770600398U", "开封市城市建设投资集团有限公司");
pub const SITE_SUPERVISOR: Org = ("91410000770600409W", "河南建达工程咨询有限公司");
/// Abolished; the works office took over.
pub const OLD_MUNICIPAL: Org = ("12410200416300410X", "开封市市政工程管理处");
/// Abolished, and nobody took over.
pub const OLD_LIGHTING: Org = ("12410200416300421Y", "开封市金明路灯管理所");

pub const CONTRACTORS: usize = 7;

/// Code and name of the n-th contractor, from 1.
pub fn contractor(n: usize) -> (String, String) {
    (format!("9141000077060050{n}A"), format!("河南第{n}建筑工程有限公司"))
}

/// What people call it.
pub fn contractor_alias(n: usize) -> String {
    format!("河南{n}建")
}

pub const SURVEYORS: &[&str] = &["河南省测绘工程院", "开封市规划勘测设计研究院", "黄河勘测规划设计研究院有限公司"];

const FAMILY: &[&str] = &[
    "王", "李", "张", "刘", "陈", "杨", "赵", "黄", "周", "吴", "徐", "孙", "胡", "朱", "高", "林", "何", "郭", "马",
    "罗",
];

/// A masked person: family name and asterisks.
pub fn person(rng: &mut Rng) -> String {
    format!("{}*{}", rng.pick(FAMILY), if rng.chance(0.6) { "*" } else { "" })
}

/// A masked telephone number.
pub fn phone(rng: &mut Rng) -> String {
    format!("0371-2****{:03}", rng.below(1000))
}

/// A day between two years, as 20240131.
pub fn day(rng: &mut Rng, from_year: u32, to_year: u32) -> u32 {
    let year = from_year + rng.below((to_year - from_year + 1) as usize) as u32;
    let month = 1 + rng.below(if year >= 2026 { 10 } else { 12 }) as u32;
    let days = match month {
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    year * 10_000 + month * 100 + 1 + rng.below(days) as u32
}

/// A moment of the last days before the delivery.
pub fn moment(rng: &mut Rng) -> String {
    format!("2026-10-{:02}T{:02}:{:02}:{:02}+08:00", 1 + rng.below(31), rng.below(24), rng.below(60), rng.below(60))
}

/// The 1:1000 map sheet (500 m × 500 m, south-west corner in kilometres) of a point in EPSG:4547.
pub fn sheet(p: [f64; 2]) -> String {
    let half = |v: f64| (v / 500.0).floor() / 2.0;
    format!("{:.2}-{:.2}", half(p[1]) % 1000.0, half(p[0]) % 1000.0)
}
