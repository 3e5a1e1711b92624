//! The graph of a configuration or plan, for Graphviz.
use crate::model::{Address, Graph, Json};

/// Returns the graph in the DOT language; edges lead from what needs to what is needed.
pub(crate) fn dot(graph: &Graph<Address>) -> String {
    let quote = |address: &Address| Json::from(address.to_string()).to_string();
    let mut lines =
        vec!["digraph rayform {".to_owned(), "  rankdir = \"RL\";".to_owned(), "  node [shape = box];".to_owned()];
    lines.extend(graph.nodes().map(|node| format!("  {};", quote(node))));
    for node in graph.nodes() {
        lines.extend(graph.needs(node).map(|need| format!("  {} -> {};", quote(node), quote(need))));
    }
    lines.push("}\n".to_owned());
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Key;

    #[test]
    fn names_are_quoted() {
        let mut graph = Graph::default();
        let pool = Address { key: Some(Key::Name("a".to_owned())), ..Address::root("pool", "cpu") };
        graph.depend(pool, Address::root("ray_head", "main"));
        let expected = [
            "digraph rayform {",
            "  rankdir = \"RL\";",
            "  node [shape = box];",
            r#"  "pool.cpu[\"a\"]";"#,
            r#"  "ray_head.main";"#,
            r#"  "pool.cpu[\"a\"]" -> "ray_head.main";"#,
            "}\n",
        ];
        assert_eq!(dot(&graph), expected.join("\n"));
    }
}
