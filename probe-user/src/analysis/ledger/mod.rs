//! The capacity ledger: what became of each volume's growth, layer by layer.

mod layer;
mod names;
mod node_layers;
mod outside_layers;
mod places;

pub use layer::{Layer, LayerRow, LayerState};
pub(in crate::analysis) use names::same_disk;
pub use names::{Names, Register};
pub use places::{Named, Node, Place, find};

pub(in crate::analysis) use node_layers::never_grew;

use super::case::Case;

/// The layers of one volume, from the request up to what Kubernetes says.
pub fn layers(case: &Case) -> Vec<LayerRow> {
    let mut rows = vec![
        outside_layers::request(case),
        outside_layers::api(case),
        outside_layers::cloud(case),
    ];
    rows.extend(node_layers::all(case));
    let file_system = rows.last().map_or(LayerState::Unknown, |row| row.state);
    rows.push(outside_layers::kubernetes(case, file_system));
    rows
}
