//! The attributes of a CityGML feature: its elements that hold text and nothing else, by local name, outside of
//! geometry, surfaces and parts; generic attributes by their own names. The first of a name counts.

use quick_xml::events::BytesStart;

/// Walks one feature; fed with every event of it, the feature's own element first.
#[derive(Default)]
pub struct AttributeWalk {
    /// Local names of the open elements.
    open: Vec<Open>,
    /// Inside of an element whose content has no attributes: how many elements are open below it.
    skipped: Option<usize>,
    text: String,
}

struct Open {
    name: String,
    has_children: bool,
    /// Of a generic attribute: what it is called.
    generic: Option<String>,
}

impl AttributeWalk {
    pub fn start(&mut self, e: &BytesStart) {
        if let Some(below) = &mut self.skipped {
            *below += 1;
            return;
        }
        let name = e.local_name();
        let name: &str = name.as_ref();
        if let Some(parent) = self.open.last_mut() {
            parent.has_children = true;
        }
        let generic = name.ends_with("Attribute").then(|| attribute(e, "name")).flatten();
        self.open.push(Open { name: name.to_string(), has_children: false, generic });
        if self.open.len() > 1 && is_structure(name) {
            self.skipped = Some(0);
        }
        self.text.clear();
    }

    /// Whether text that stands here may be an attribute's.
    pub fn wants_text(&self) -> bool {
        self.skipped.is_none()
    }

    pub fn text(&mut self, text: &str) {
        if self.wants_text() {
            self.text.push_str(text);
        }
    }

    /// An element ends; the attribute that it was.
    pub fn end(&mut self) -> Option<(String, String)> {
        if let Some(below) = &mut self.skipped {
            match below.checked_sub(1) {
                Some(fewer) => *below = fewer,
                None => {
                    self.skipped = None;
                    self.open.pop();
                }
            }
            return None;
        }
        let depth = self.open.len();
        let closed = self.open.pop()?;
        let text = std::mem::take(&mut self.text);
        let text = text.trim();
        if closed.has_children || text.is_empty() || depth < 2 {
            return None;
        }
        let parent = self.open.last_mut()?;
        let in_generic = parent.name.ends_with("Attribute");
        match closed.name.as_str() {
            "name" if in_generic && parent.generic.is_none() => {
                parent.generic = Some(text.to_string());
                None
            }
            "value" if in_generic => Some((parent.generic.clone()?, text.to_string())),
            // CityGML 3.0: con:height/con:Height/con:value.
            "value" if parent.name == "Height" => Some(("measuredHeight".into(), text.to_string())),
            _ => Some((closed.name, text.to_string())),
        }
    }
}

/// An XML attribute by its local name.
pub fn attribute(e: &BytesStart, name: &str) -> Option<String> {
    let found = e.attributes().flatten().find(|a| {
        let local = a.key.local_name();
        let local: &str = local.as_ref();
        local == name
    })?;
    quick_xml::escape::unescape(&found.value).ok().map(|v| v.trim().to_string()).filter(|v| !v.is_empty())
}

/// The level of detail that a property such as `lod2MultiSurface` has, where its content is geometry.
pub fn lod_of(property: &str) -> Option<u8> {
    const KINDS: &[&str] = &[
        "Solid",
        "MultiSurface",
        "Surface",
        "Geometry",
        "FootPrint",
        "RoofEdge",
        "ImplicitRepresentation",
        "TerrainIntersection",
        "TerrainIntersectionCurve",
        "MultiCurve",
        "MultiPoint",
        "Network",
        "MultiSolid",
        "Point",
        "Curve",
    ];
    let rest = property.strip_prefix("lod")?;
    let level = rest.bytes().next().filter(|b| (b'0'..=b'4').contains(b))?;
    KINDS.contains(&&rest[1..]).then_some(level - b'0')
}

/// Properties whose content is not the feature's own attributes.
fn is_structure(name: &str) -> bool {
    const NAMES: &[&str] = &[
        "boundedBy",
        "boundary",
        "appearance",
        "appearanceMember",
        "opening",
        "fillingSurface",
        "trafficArea",
        "auxiliaryTrafficArea",
        "trafficSpace",
        "outerBuildingInstallation",
        "outerBridgeInstallation",
        "outerBridgeConstruction",
        "outerTunnelInstallation",
        "generalizesTo",
        "groupMember",
        "relief",
        "tin",
        "pos",
        "posList",
        "coordinates",
    ];
    NAMES.contains(&name) || is_part(name) || is_interior(name) || lod_of(name).is_some()
}

/// Properties that hold parts of the feature.
pub fn is_part(name: &str) -> bool {
    name.starts_with("consistsOf") || ["buildingPart", "bridgePart", "tunnelPart"].contains(&name)
}

/// Properties that hold what stands inside.
pub fn is_interior(name: &str) -> bool {
    const NAMES: &[&str] = &["hollowSpace", "roomInstallation", "buildingSubdivision", "buildingUnit", "storey"];
    name.starts_with("interior") && name.len() > 8
        || name.ends_with("Room")
        || name.ends_with("Furniture")
        || NAMES.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use quick_xml::Reader;
    use quick_xml::events::Event;

    fn walk(xml: &str) -> Vec<(String, String)> {
        let (mut reader, mut walk, mut found) = (Reader::from_str(xml), AttributeWalk::default(), vec![]);
        loop {
            match reader.read_event().unwrap() {
                Event::Start(e) => walk.start(&e),
                Event::Empty(e) => {
                    walk.start(&e);
                    found.extend(walk.end());
                }
                Event::Text(t) => walk.text(&t.xml10_content()),
                Event::End(_) => found.extend(walk.end()),
                Event::Eof => return found,
                _ => {}
            }
        }
    }

    #[test]
    fn leaves_are_attributes_and_structure_is_not() {
        let found = walk(
            r#"<b:Building gml:id="x"><gml:name> Haus </gml:name><b:lod1HeightType>2</b:lod1HeightType>
            <gen:stringAttribute name="对照番号"><gen:value>32019</gen:value></gen:stringAttribute>
            <c:genericAttribute><gen:StringAttribute><gen:name>建物ID</gen:name><gen:value>13104</gen:value></gen:StringAttribute></c:genericAttribute>
            <con:height><con:Height><con:value uom="m">7.1</con:value></con:Height></con:height>
            <uro:detail><uro:Detail><uro:floors>3</uro:floors><uro:none/></uro:Detail></uro:detail>
            <b:lod0FootPrint><gml:MultiSurface><gml:posList>1 2 3</gml:posList></gml:MultiSurface></b:lod0FootPrint>
            <b:boundedBy><b:WallSurface><gml:name>Wall</gml:name></b:WallSurface></b:boundedBy>
            <b:interiorRoom><b:Room><gml:name>Bad</gml:name></b:Room></b:interiorRoom>
            <b:consistsOfBuildingPart><b:BuildingPart><gml:name>Teil</gml:name></b:BuildingPart></b:consistsOfBuildingPart>
            <b:roofType>1000</b:roofType></b:Building>"#,
        );
        let expected = [
            ("name", "Haus"),
            ("lod1HeightType", "2"),
            ("对照番号", "32019"),
            ("建物ID", "13104"),
            ("measuredHeight", "7.1"),
            ("floors", "3"),
            ("roofType", "1000"),
        ];
        assert_eq!(found, expected.map(|(n, t)| (n.to_string(), t.to_string())));
    }

    #[test]
    fn levels_of_detail_are_read_from_properties() {
        for (name, level) in [
            ("lod0FootPrint", Some(0)),
            ("lod4MultiSurface", Some(4)),
            ("lod1HeightType", None),
            ("lod5Solid", None),
            ("lodSolid", None),
            ("solid", None),
        ] {
            assert_eq!(lod_of(name), level, "{name}");
        }
    }
}
