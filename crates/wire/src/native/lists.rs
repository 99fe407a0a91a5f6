//! Parts of lists.

use usance_core::view::Page;

use crate::json::write::{self, Object};

/// Appends `{"items": […], "next": …}`.
pub fn write<T>(page: &Page<T>, out: &mut Vec<u8>, item: impl Fn(&T, &mut Vec<u8>)) {
    write::object(out, |list| {
        write::array(list.member("items"), &page.items, |out, each| item(each, out));
        list.maybe("next", page.next.as_deref(), Object::text);
    });
}
