//! PROJ's C functions that the `proj` crate does not wrap: the list of coordinate operations with their accuracy,
//! a CRS's datum, axes and area of use. Owns every pointer it gets; knows nothing of deliveries.
#![allow(
    unsafe_code,
    reason = "PROJ is a C library; every call stands in this file, each pointer is owned and checked"
)]

use proj_sys as c;
use std::ffi::{CStr, CString};
use std::os::raw::{c_char, c_int};
use std::rc::Rc;

/// PROJ's context, without network and without messages to stderr.
pub struct Context(*mut c::PJ_CONTEXT);

impl Context {
    pub fn new() -> Rc<Context> {
        // SAFETY: a fresh context, owned by this value and destroyed once in `drop`.
        let ctx = unsafe { c::proj_context_create() };
        unsafe {
            c::proj_log_level(ctx, c::PJ_LOG_LEVEL_PJ_LOG_NONE);
            c::proj_context_set_enable_network(ctx, 0);
        }
        Rc::new(Context(ctx))
    }

    /// A CRS or operation by code, WKT, PROJ text or PROJJSON.
    pub fn create(self: &Rc<Self>, definition: &str) -> Option<Object> {
        let text = CString::new(definition).ok()?;
        // SAFETY: `text` is NUL-terminated and outlives the call.
        self.own(unsafe { c::proj_create(self.0, text.as_ptr()) })
    }

    fn own(self: &Rc<Self>, pj: *mut c::PJ) -> Option<Object> {
        (!pj.is_null()).then(|| Object { pj, ctx: self.clone() })
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        // SAFETY: every object holds an Rc of its context, so the context goes last.
        unsafe {
            c::proj_context_destroy(self.0);
        }
    }
}

/// What a CRS is, as far as the import tells them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Geographic,
    Projected,
    Compound,
    Bound,
    Vertical,
    /// Geocentric, engineering, temporal, a datum, an operation …
    Other,
}

/// A PROJ object: CRS, datum, ellipsoid or operation.
pub struct Object {
    pj: *mut c::PJ,
    ctx: Rc<Context>,
}

impl Drop for Object {
    fn drop(&mut self) {
        // SAFETY: owned since `Context::own`, destroyed once.
        unsafe {
            c::proj_destroy(self.pj);
        }
    }
}

/// One axis of a coordinate system.
#[derive(Debug, Clone, PartialEq)]
pub struct AxisInfo {
    /// `east`, `north`, `up` …
    pub direction: String,
    /// To metres or radians.
    pub unit_factor: f64,
}

/// West, south, east, north in degrees.
pub type Area = [f64; 4];

impl Object {
    pub fn name(&self) -> String {
        // SAFETY: PROJ returns a string owned by the object or null.
        text(unsafe { c::proj_get_name(self.pj) })
    }

    /// `EPSG:4547`, where the object has an identity.
    pub fn id(&self) -> Option<String> {
        // SAFETY: as in `name`.
        let (authority, code) =
            unsafe { (text(c::proj_get_id_auth_name(self.pj, 0)), text(c::proj_get_id_code(self.pj, 0))) };
        (!authority.is_empty() && !code.is_empty()).then(|| format!("{authority}:{code}"))
    }

    pub fn kind(&self) -> Kind {
        // SAFETY: plain query.
        match unsafe { c::proj_get_type(self.pj) } {
            c::PJ_TYPE_PJ_TYPE_GEOGRAPHIC_2D_CRS | c::PJ_TYPE_PJ_TYPE_GEOGRAPHIC_3D_CRS => Kind::Geographic,
            c::PJ_TYPE_PJ_TYPE_PROJECTED_CRS => Kind::Projected,
            c::PJ_TYPE_PJ_TYPE_COMPOUND_CRS => Kind::Compound,
            c::PJ_TYPE_PJ_TYPE_BOUND_CRS => Kind::Bound,
            c::PJ_TYPE_PJ_TYPE_VERTICAL_CRS => Kind::Vertical,
            _ => Kind::Other,
        }
    }

    /// Part of a compound CRS: 0 horizontal, 1 vertical.
    pub fn part(&self, index: i32) -> Option<Object> {
        // SAFETY: returns a new object or null.
        self.ctx.own(unsafe { c::proj_crs_get_sub_crs(self.ctx.0, self.pj, index) })
    }

    /// The CRS that a bound CRS (one with `towgs84`) stands on.
    pub fn base(&self) -> Option<Object> {
        // SAFETY: returns a new object or null.
        self.ctx.own(unsafe { c::proj_get_source_crs(self.ctx.0, self.pj) })
    }

    /// The geographic CRS under a projected one; a geographic CRS is its own.
    pub fn geodetic(&self) -> Option<Object> {
        // SAFETY: returns a new object or null.
        self.ctx.own(unsafe { c::proj_crs_get_geodetic_crs(self.ctx.0, self.pj) })
    }

    pub fn datum(&self) -> Option<Object> {
        // SAFETY: returns a new object or null.
        self.ctx.own(unsafe { c::proj_crs_get_datum_forced(self.ctx.0, self.pj) })
    }

    /// Semi-major axis in metres and inverse flattening of the ellipsoid.
    pub fn ellipsoid(&self) -> Option<(f64, f64)> {
        // SAFETY: returns a new object or null.
        let e = self.ctx.own(unsafe { c::proj_get_ellipsoid(self.ctx.0, self.pj) })?;
        let (mut a, mut b, mut computed, mut rf) = (0.0, 0.0, 0 as c_int, 0.0);
        // SAFETY: four valid out pointers.
        let ok = unsafe { c::proj_ellipsoid_get_parameters(self.ctx.0, e.pj, &mut a, &mut b, &mut computed, &mut rf) };
        (ok != 0).then_some((a, rf))
    }

    pub fn axis(&self, index: i32) -> Option<AxisInfo> {
        // SAFETY: returns a new object or null.
        let cs = self.ctx.own(unsafe { c::proj_crs_get_coordinate_system(self.ctx.0, self.pj) })?;
        let mut direction: *const c_char = std::ptr::null();
        let mut unit_factor = 0.0;
        let none = std::ptr::null_mut;
        // SAFETY: valid out pointers, null where nothing is wanted; the string lives as long as `cs`.
        let ok = unsafe {
            c::proj_cs_get_axis_info(
                self.ctx.0,
                cs.pj,
                index,
                none(),
                none(),
                &mut direction,
                &mut unit_factor,
                none(),
                none(),
                none(),
            )
        };
        (ok != 0).then(|| AxisInfo { direction: text(direction).to_lowercase(), unit_factor })
    }

    pub fn area_of_use(&self) -> Option<Area> {
        let (mut w, mut s, mut e, mut n) = (0.0, 0.0, 0.0, 0.0);
        // SAFETY: valid out pointers; the area's name is not wanted.
        let ok = unsafe {
            c::proj_get_area_of_use(self.ctx.0, self.pj, &mut w, &mut s, &mut e, &mut n, std::ptr::null_mut())
        };
        // PROJ says -1000 where an edge is unknown.
        (ok != 0 && w > -900.0).then_some([w, s, e, n])
    }

    /// The operations from this CRS to `target` that need no missing grid and no ballpark step, in PROJ's order.
    pub fn operations_to(&self, target: &Object, area: Option<Area>) -> Vec<Operation> {
        let strict =
            self.list_operations(target, area, c::PROJ_SPATIAL_CRITERION_PROJ_SPATIAL_CRITERION_STRICT_CONTAINMENT);
        match strict.is_empty() {
            false => strict,
            true => self.list_operations(
                target,
                area,
                c::PROJ_SPATIAL_CRITERION_PROJ_SPATIAL_CRITERION_PARTIAL_INTERSECTION,
            ),
        }
    }

    fn list_operations(
        &self,
        target: &Object,
        area: Option<Area>,
        criterion: c::PROJ_SPATIAL_CRITERION,
    ) -> Vec<Operation> {
        let ctx = self.ctx.0;
        // SAFETY: factory and list are created, used and destroyed here; objects from the list are owned.
        unsafe {
            let factory = c::proj_create_operation_factory_context(ctx, std::ptr::null());
            if factory.is_null() {
                return vec![];
            }
            c::proj_operation_factory_context_set_spatial_criterion(ctx, factory, criterion);
            c::proj_operation_factory_context_set_allow_ballpark_transformations(ctx, factory, 0);
            c::proj_operation_factory_context_set_grid_availability_use(
                ctx,
                factory,
                c::PROJ_GRID_AVAILABILITY_USE_PROJ_GRID_AVAILABILITY_DISCARD_OPERATION_IF_MISSING_GRID,
            );
            if let Some([w, s, e, n]) = area {
                c::proj_operation_factory_context_set_area_of_interest(ctx, factory, w, s, e, n);
            }
            let list = c::proj_create_operations(ctx, self.pj, target.pj, factory);
            c::proj_operation_factory_context_destroy(factory);
            if list.is_null() {
                return vec![];
            }
            let found = (0..c::proj_list_get_count(list))
                .filter_map(|i| self.ctx.own(c::proj_list_get(ctx, list, i)))
                .filter(|o| c::proj_coordoperation_has_ballpark_transformation(ctx, o.pj) == 0)
                .filter_map(|o| {
                    let accuracy = c::proj_coordoperation_get_accuracy(ctx, o.pj);
                    let name = o.name();
                    let plain = self.ctx.own(c::proj_normalize_for_visualization(ctx, o.pj))?;
                    Some(Operation { name, accuracy_m: (accuracy >= 0.0).then_some(accuracy), object: plain })
                })
                .collect();
            c::proj_list_destroy(list);
            found
        }
    }

    pub fn duplicate(&self) -> Option<Object> {
        // SAFETY: returns a new object or null.
        self.ctx.own(unsafe { c::proj_clone(self.ctx.0, self.pj) })
    }

    /// Equal but for axis order.
    pub fn equivalent(&self, other: &Object) -> bool {
        let criterion = c::PJ_COMPARISON_CRITERION_PJ_COMP_EQUIVALENT_EXCEPT_AXIS_ORDER_GEOGCRS;
        // SAFETY: plain query.
        unsafe { c::proj_is_equivalent_to(self.pj, other.pj, criterion) != 0 }
    }

    /// This object as an operation, if it is one (a pipeline): coordinates are as its definition says.
    pub fn into_operation(self, name: &str) -> Option<Operation> {
        // SAFETY: plain query; CRSs and datums lie below PJ_TYPE_CONVERSION.
        let kind = unsafe { c::proj_get_type(self.pj) };
        let operation = [
            c::PJ_TYPE_PJ_TYPE_CONVERSION,
            c::PJ_TYPE_PJ_TYPE_TRANSFORMATION,
            c::PJ_TYPE_PJ_TYPE_CONCATENATED_OPERATION,
            c::PJ_TYPE_PJ_TYPE_OTHER_COORDINATE_OPERATION,
        ];
        operation.contains(&kind).then(|| Operation { name: name.to_string(), accuracy_m: None, object: self })
    }
}

/// A coordinate operation, ready to run.
pub struct Operation {
    pub name: String,
    pub accuracy_m: Option<f64>,
    object: Object,
}

impl Operation {
    /// Transforms in place; what cannot be transformed becomes infinite.
    pub fn forward(&self, xy: &mut [[f64; 2]]) {
        self.run(xy, c::PJ_DIRECTION_PJ_FWD);
    }

    /// The other way round, as `forward`; infinite throughout where the operation has no way back.
    pub fn backward(&self, xy: &mut [[f64; 2]]) {
        self.run(xy, c::PJ_DIRECTION_PJ_INV);
    }

    fn run(&self, xy: &mut [[f64; 2]], direction: c::PJ_DIRECTION) {
        let (n, stride) = (xy.len(), size_of::<[f64; 2]>());
        let flat = xy.as_flattened_mut().as_mut_ptr();
        if n == 0 {
            return;
        }
        // SAFETY: `n` pairs with a stride of one pair: x at 0, y at 1, all inside `xy`; no z, no time.
        unsafe {
            c::proj_errno_reset(self.object.pj);
            let none = std::ptr::null_mut();
            c::proj_trans_generic(
                self.object.pj,
                direction,
                flat,
                stride,
                n,
                flat.add(1),
                stride,
                n,
                none,
                0,
                0,
                none,
                0,
                0,
            );
        }
    }

    /// Whether results are radians.
    pub fn radians_out(&self) -> bool {
        // SAFETY: plain query.
        unsafe { c::proj_angular_output(self.object.pj, c::PJ_DIRECTION_PJ_FWD) != 0 }
    }
}

fn text(p: *const c_char) -> String {
    match p.is_null() {
        true => String::new(),
        // SAFETY: PROJ's strings are NUL-terminated and live as long as the object that the caller holds.
        false => unsafe { CStr::from_ptr(p) }.to_string_lossy().into_owned(),
    }
}
