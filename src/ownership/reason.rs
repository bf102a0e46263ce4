//! Why a step of the trail came out as it did, in Chinese and English. Every sentence of the trail stands here.

use super::answer::{Capacity, Flag};
use super::register::Rule;

/// A reason with the names in it, borrowed from the data or the question; joined lists are made for a trail only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason<'a> {
    // LOCATE
    Located { chain: String },
    Nowhere,
    Borders { names: String },
    Flagged(Flag),
    // COMPONENT
    NoComponentClass,
    NoClass,
    ById { code: &'a str },
    UnknownId { code: &'a str },
    RetiredId { code: &'a str },
    FutureId { code: &'a str },
    OtherClass { class: &'a str },
    FarAway,
    Nearest { code: &'a str },
    AnyOf { count: u32 },
    Ambiguous { count: u32 },
    NoneWithin,
    // rules
    NotInPolicy { policy: &'a str },
    DecidedBefore { rule: Rule },
    StoppedBefore { rule: Rule },
    DegradedNotShared,
    Ruling { id: &'a str },
    NoRuling,
    NoComponent,
    OwnerlessClass,
    HolderOf(Capacity),
    NoHolder,
    UnknownHolder,
    Inactive { organisation: &'a str },
    Endless { organisation: &'a str },
    Area { code: &'a str, name: Option<&'a str> },
    NoArea,
    AreaUnregistered { code: &'a str },
    Several { names: String },
    Role { role: &'a str, territory: &'a str },
    NoRole { role: &'a str, territory: &'a str },
    ClassWithoutRole,
    NoTerritoryForRole,
    Grid { code: &'a str },
    GridNamesNobody,
    GridUnregistered { code: &'a str },
    Fallback { territory: &'a str },
    FallbackForbidden,
    NobodyGoverns,
    NoRegister,
    SecureFirst,
}

impl Reason<'_> {
    /// (Chinese, English)
    pub fn texts(&self) -> (String, String) {
        let of = |zh: &str, en: &str| (zh.to_string(), en.to_string());
        match self {
            Reason::Located { chain } => (format!("位于{chain}"), format!("in {chain}")),
            Reason::Nowhere => of("不在任何行政区划和网格内", "in no territory"),
            Reason::Borders { names } => (format!("邻近边界:{names}"), format!("near the border of {names}")),
            Reason::Flagged(flag) => of(flag_zh(*flag), flag_en(*flag)),
            Reason::NoComponentClass => of("该类别不涉及部件", "the class is not about a component"),
            Reason::NoClass => of("未给出类别", "no class was given"),
            Reason::ById { code } => (format!("按标识码{code}找到部件"), format!("component {code} found by its code")),
            Reason::UnknownId { code } => {
                (format!("标识码{code}不在部件库中"), format!("no component has the code {code}"))
            }
            Reason::RetiredId { code } => {
                (format!("部件{code}已废弃或移除"), format!("component {code} is retired or removed"))
            }
            Reason::FutureId { code } => {
                (format!("部件{code}当时尚未登记"), format!("component {code} was not recorded yet"))
            }
            Reason::OtherClass { class } => {
                (format!("部件的类别是{class},以部件为准"), format!("the component's class is {class}, and it decides"))
            }
            Reason::FarAway => {
                of("上报位置距部件过远,以标识码为准", "the place is far from the component; its code decides")
            }
            Reason::Nearest { code } => (format!("最近的部件是{code}"), format!("the nearest component is {code}")),
            Reason::AnyOf { count } => (
                format!("附近{count}个部件的责任主体相同"),
                format!("{count} components nearby lead to the same subject"),
            ),
            Reason::Ambiguous { count } => (
                format!("附近{count}个部件距离相近而责任主体不同,无法确定是哪一个"),
                format!("{count} components nearby lead to different subjects; which one is meant is not clear"),
            ),
            Reason::NoneWithin => of("搜索半径内没有该类部件", "no component of the class within the search radius"),
            Reason::NotInPolicy { policy } => {
                (format!("责任认定策略{policy}不含此规则"), format!("the policy {policy} does not have this rule"))
            }
            Reason::DecidedBefore { rule } => (format!("已由{rule:?}认定"), format!("{rule:?} decided before")),
            Reason::StoppedBefore { rule } => {
                (format!("{rule:?}存在争议,不再继续"), format!("stopped by the conflict at {rule:?}"))
            }
            Reason::DegradedNotShared => of(
                "不是共建共用设施且权属明确,按权属优先",
                "not shared and with a clear owner: the owner comes before the area",
            ),
            Reason::Ruling { id } => (format!("确权裁定{id}"), format!("ruling {id}")),
            Reason::NoRuling => of("没有生效的确权裁定", "no ruling is in force"),
            Reason::NoComponent => of("没有可认定的部件", "no component was identified"),
            Reason::OwnerlessClass => {
                of("无主或不明设施,不采用登记的权属", "ownerless by definition: a recorded owner does not count")
            }
            Reason::HolderOf(capacity) => {
                let (en, zh) = capacity.names();
                (format!("部件登记的{zh}"), format!("the component's {en}"))
            }
            Reason::NoHolder => of("部件未登记养护、权属单位", "the component names neither maintainer nor owner"),
            Reason::UnknownHolder => {
                of("部件登记的单位不在责任主体库中", "the body that the component names is not in the register")
            }
            Reason::Inactive { organisation } => (
                format!("ORG_INACTIVE:{organisation}已撤销且无承接单位"),
                format!("ORG_INACTIVE: {organisation} is abolished and has no successor"),
            ),
            Reason::Endless { organisation } => (
                format!("{organisation}的承接关系有误(循环或过长)"),
                format!("the successors of {organisation} lead in a circle or too far"),
            ),
            Reason::Area { code, name } => {
                let name = name.map(|n| format!("({n})")).unwrap_or_default();
                (format!("责任区{code}{name}"), format!("area {code}{name}"))
            }
            Reason::NoArea => of("没有适用的责任区", "no area with this duty holds here and now"),
            Reason::AreaUnregistered { code } => (
                format!("责任区{code}的单位不在责任主体库中"),
                format!("the body of area {code} is not in the register"),
            ),
            Reason::Several { names } => (format!("有多个责任主体:{names}"), format!("several bodies: {names}")),
            Reason::Role { role, territory } => (format!("{territory}的{role}"), format!("{role} of {territory}")),
            Reason::NoRole { role, territory } => {
                (format!("{territory}没有登记{role}"), format!("nobody holds {role} in {territory}"))
            }
            Reason::ClassWithoutRole => of("该类别没有行业主管", "the class names no industry"),
            Reason::NoTerritoryForRole => of("没有该级区划", "there is no territory of that level"),
            Reason::Grid { code } => (format!("单元网格{code}载明的责任主体"), format!("written on unit grid {code}")),
            Reason::GridNamesNobody => of("单元网格未载明责任主体", "the unit grid names nobody"),
            Reason::GridUnregistered { code } => (
                format!("单元网格{code}载明的单位不在责任主体库中"),
                format!("the body written on unit grid {code} is not in the register"),
            ),
            Reason::Fallback { territory } => {
                (format!("属地兜底:{territory}"), format!("fallback to the territory: {territory}"))
            }
            Reason::FallbackForbidden => of("该类别不适用属地兜底", "the class does not fall back to the territory"),
            Reason::NobodyGoverns => {
                of("属地没有登记管理机构", "the territory names no governing body in the register")
            }
            Reason::NoRegister => of("数据中没有责任主体库", "the snapshot has no register"),
            Reason::SecureFirst => of("先处置、后确权", "secure first, decide on responsibility afterwards"),
        }
    }
}

fn flag_zh(flag: Flag) -> &'static str {
    match flag {
        Flag::GapSnapped => "落在网格缝隙中,取最近的单元网格",
        Flag::NoUnitGrid => "不在任何单元网格内",
        Flag::DataOverlap => "网格数据重叠,按生效时间、面积、编码取一",
        Flag::HierarchyMismatch => "单元网格的上级与几何位置不一致,以单元网格为准",
        Flag::StoredGridMismatch => "部件登记的单元网格与位置不一致,以位置为准",
        Flag::ClassCrosswalkApprox => "类别对照不精确,策略仅供参考",
        _ => flag.code(),
    }
}

fn flag_en(flag: Flag) -> &'static str {
    match flag {
        Flag::GapSnapped => "in a gap between grids; the nearest one is taken",
        Flag::NoUnitGrid => "in no unit grid",
        Flag::DataOverlap => "grids overlap; chosen by beginning, area and code",
        Flag::HierarchyMismatch => "the unit grid's parents and the geometry disagree; the unit grid decides",
        Flag::StoredGridMismatch => "the component's recorded grid is not the one it stands in; its place decides",
        Flag::ClassCrosswalkApprox => "the class is known through an inexact crosswalk or its scheme's default",
        _ => flag.code(),
    }
}
