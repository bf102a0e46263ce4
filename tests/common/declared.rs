//! Declarations of layers for tests, as the text of a layer file.

/// The field that names a record.
pub const CODE: &str = r#"{ name = "code", type = "text", zh = "编码", key = true }"#;

/// A field with a number of metres.
pub fn metres(name: &str) -> String {
    format!(r#"{{ name = "{name}", type = "float", zh = "{name}", unit = "m" }}"#)
}

/// A public layer of 3D features, whole from zoom 14 on: `geometry` (`point`, `line`, `polygon`), the lines that make it
/// what it is (`serve`, `scene`, `roles`), and its fields, each an inline table.
pub fn layer(id: &str, geometry: &str, lines: &str, fields: &[&str]) -> String {
    format!(
        "id = \"{id}\"\nname = {{ zh = \"{id}\", en = \"{id}\" }}\ngeometry = [\"{geometry}\"]\ndimension = \"3D\"\n\
         sensitivity = \"public\"\nzoom = {{ min = 13, full = 14, max = 18 }}\n{lines}\nfields = [\n  {},\n]\n",
        fields.join(",\n  ")
    )
}

/// A layer that is served in 3D alone.
pub fn scene(id: &str, geometry: &str, scene: &str, fields: &[&str]) -> String {
    layer(id, geometry, &format!("serve = [\"3dtiles\"]\nscene = {scene}"), fields)
}
