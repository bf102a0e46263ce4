//! The bodies that the sample city's data name, and who holds which role where. Plausible, made up, and complete: what
//! a layer refers to is here.

use super::admin::Division;
use super::grids::{org_code, urban_bureau};
use super::names::{self, Org, person, phone};
use super::plan::Plan;
use super::rng::Rng;

/// A row of the register's first table.
#[derive(Debug, Clone, Default)]
pub struct Body {
    pub code: String,
    pub name: String,
    pub aliases: String,
    pub kind: &'static str,
    pub successor: &'static str,
    pub valid_to: &'static str,
    pub contact: String,
    pub phone: String,
}

/// The city's own bodies, enterprises and companies.
const CITY: &[(Org, &str, &str)] = &[
    (names::URBAN_BUREAU, "市直部门", "市城管局"),
    (names::DRAINAGE, "事业单位", "市政设施管理处|排水处"),
    (names::LIGHTING, "事业单位", "路灯处"),
    (names::TRAFFIC_POLICE, "市直部门", "市交警支队"),
    (names::PARKS, "事业单位", "市园林处"),
    (names::SANITATION, "事业单位", "市环卫处"),
    (names::RIVERS, "事业单位", ""),
    (names::BRIDGES, "事业单位", ""),
    (names::FIRE, "市直部门", ""),
    (names::ECOLOGY, "市直部门", ""),
    (names::HOUSING, "市直部门", "市住建局"),
    (names::AIR_DEFENCE, "市直部门", ""),
    (names::EMERGENCY, "市直部门", ""),
    (names::TRANSPORT, "市直部门", ""),
    (names::CIVIL_AFFAIRS, "市直部门", ""),
    (names::SPORTS, "市直部门", ""),
    (names::WEATHER, "事业单位", ""),
    (names::MARKET, "市直部门", ""),
    (names::HEALTH, "市直部门", ""),
    (names::CULTURE, "市直部门", ""),
    (names::MUNICIPAL_EMERGENCY, "事业单位", ""),
    (names::NIGHT_MARKETS, "事业单位", ""),
    (names::WATER, "企业", "开封供水"),
    (names::POWER, "企业", "开封供电公司"),
    (names::TELECOM[0], "企业", "开封移动"),
    (names::TELECOM[1], "企业", "开封联通"),
    (names::TELECOM[2], "企业", "开封电信"),
    (names::TELECOM[3], "企业", "开封铁塔"),
    (names::CABLE_TV, "企业", ""),
    (names::HEAT, "企业", ""),
    (names::GAS, "企业", "新奥燃气"),
    (names::BUSES, "企业", "公交公司"),
    (names::POST, "企业", ""),
    (names::CHARGING, "企业", ""),
    (names::PIPELINE, "企业", ""),
    (names::PARKING, "企业", ""),
    (names::INDUSTRY, "企业", ""),
    (names::TUNNEL, "企业", ""),
    (names::BUILDER, "企业", "开封城投"),
    (names::SITE_SUPERVISOR, "企业", ""),
];

/// A role, who holds it for the city, and what a district's holder is called (`{}` is the district).
pub const ROLES: &[(&str, Org, &str, &str)] = &[
    ("城管执法", names::URBAN_BUREAU, "ZF", "{}综合行政执法大队"),
    ("环卫", names::SANITATION, "HW", "{}环境卫生管理站"),
    ("市政", names::DRAINAGE, "SZ", "{}市政设施管理所"),
    ("园林", names::PARKS, "YL", "{}园林绿化管理所"),
    ("河道", names::RIVERS, "HD", "{}水利河道管理所"),
    ("生态环境", names::ECOLOGY, "ST", "开封市生态环境局{}分局"),
    ("卫生健康", names::HEALTH, "WJ", "{}卫生健康委员会"),
    ("交警", names::TRAFFIC_POLICE, "JJ", "开封市公安局交通警察支队{}大队"),
    ("消防", names::FIRE, "XF", "{}消防救援大队"),
    ("住建", names::HOUSING, "ZJ", "{}住房和城乡建设局"),
    ("市场监管", names::MARKET, "SC", "{}市场监督管理局"),
    ("民政", names::CIVIL_AFFAIRS, "MZ", "{}民政局"),
    ("文化旅游", names::CULTURE, "WH", "{}文化广电和旅游局"),
];

/// The brigade that enforces at night in one district, beside the one of the day.
pub const NIGHT_BRIGADE: (&str, &str) = ("410204", "ZFY");

pub fn district_code(district: &Division, suffix: &str) -> String {
    format!("{}{suffix}", org_code(&district.code))
}

/// All bodies, each once.
pub fn bodies(plan: &Plan) -> Vec<Body> {
    let body = |code: &str, name: &str, kind| Body { code: code.into(), name: name.into(), kind, ..Body::default() };
    let mut all: Vec<Body> = vec![];
    for ((code, name), kind, aliases) in CITY {
        all.push(Body { aliases: (*aliases).into(), ..body(code, name, kind) });
    }
    let abolished = |(code, name): Org, successor, valid_to| {
        let base = body(code, name, "已撤销单位");
        Body { successor, valid_to, ..base }
    };
    all.push(abolished(names::OLD_MUNICIPAL, names::DRAINAGE.0, "2019-04-01"));
    all.push(abolished(names::OLD_LIGHTING, "", "2015-01-01"));
    for n in 1..=names::CONTRACTORS {
        let (code, name) = names::contractor(n);
        all.push(Body { aliases: names::contractor_alias(n), ..body(&code, &name, "企业") });
    }
    for d in &plan.admin.districts {
        all.push(body(&org_code(&d.code), &urban_bureau(d), "区县部门"));
        for (_, _, suffix, called) in ROLES {
            all.push(body(&district_code(d, suffix), &called.replace("{}", &d.name), "区县部门"));
        }
        if d.code == NIGHT_BRIGADE.0 {
            let name = format!("{}综合行政执法大队夜间中队", d.name);
            all.push(body(&district_code(d, NIGHT_BRIGADE.1), &name, "区县部门"));
        }
    }
    for s in &plan.admin.streets {
        let name = match s.kind.as_str() {
            "street_office" => format!("{}办事处", s.name),
            "town" | "township" => format!("{}人民政府", s.name),
            _ => format!("{}管理委员会", s.name),
        };
        all.push(body(&org_code(&s.code), &name, "街道乡镇"));
    }
    for c in &plan.admin.communities {
        let street = &plan.admin.streets[c.parent].name;
        let short = c.name.trim_end_matches("委会").trim_end_matches('村');
        let name = match c.name.ends_with('村') || c.name.ends_with("村委会") {
            true => format!("{street}{short}村民委员会"),
            false => format!("{street}{}居民委员会", c.name),
        };
        all.push(body(&org_code(&c.code), &name, "社区村"));
    }
    let mut rng = Rng::of(plan.seed, "contacts", 0);
    for body in all.iter_mut().filter(|b| b.valid_to.is_empty()) {
        body.contact = person(&mut rng);
        body.phone = phone(&mut rng);
    }
    all
}

/// Role, territory, body, hours.
pub fn roles(plan: &Plan) -> Vec<[String; 4]> {
    let row = |role: &str, territory: &str, body: &str, hours: &str| [role, territory, body, hours].map(str::to_string);
    let mut all = vec![];
    for (role, city, suffix, _) in ROLES {
        all.push(row(role, super::register::CITY, city.0, ""));
        for d in &plan.admin.districts {
            let own = district_code(d, suffix);
            if *role == ROLES[0].0 && d.code == NIGHT_BRIGADE.0 {
                all.push(row(role, &d.code, &own, "02:00-20:00"));
                all.push(row(role, &d.code, &district_code(d, NIGHT_BRIGADE.1), "20:00-02:00"));
            } else {
                all.push(row(role, &d.code, &own, ""));
            }
        }
    }
    all
}
