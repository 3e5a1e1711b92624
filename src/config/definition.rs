//! The blocks of the language in one table: the JSON form, the JSON schema and the reference page are made from it.

/// One kind of block.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BlockDefinition {
    pub name: &'static str,
    /// What its labels are.
    pub labels: &'static [&'static str],
    /// The only label may be left out.
    pub is_label_optional: bool,
    pub about: &'static str,
    pub attributes: &'static [AttributeDefinition],
    pub blocks: &'static [BlockDefinition],
    /// It takes more, as its type, its module or its author says.
    pub is_open: bool,
}

/// One attribute of a block.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AttributeDefinition {
    pub name: &'static str,
    pub of: Of,
    pub is_required: bool,
    pub about: &'static str,
}

/// What an attribute takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Of {
    Any,
    Text,
    Bool,
    Number,
    /// The list or map that a block is repeated over.
    Collection,
    /// Written out: it is read before anything is evaluated.
    ConstantText,
    ConstantTexts,
    ConstantBool,
    Constant,
    References,
    /// The name of a resource or a module.
    Reference,
    /// A type constraint, such as `list(string)`.
    Type,
}

impl Of {
    /// Returns how it is called.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::Text => "string",
            Self::Bool => "bool",
            Self::Number => "number",
            Self::Collection => "map or set",
            Self::ConstantText => "string, written out",
            Self::ConstantTexts => "list of strings, written out",
            Self::ConstantBool => "`true` or `false`",
            Self::Constant => "constant",
            Self::References => "list of references",
            Self::Reference => "reference",
            Self::Type => "type",
        }
    }
}

const BLOCK: BlockDefinition = BlockDefinition {
    name: "",
    labels: &[],
    is_label_optional: false,
    about: "",
    attributes: &[],
    blocks: &[],
    is_open: false,
};

const fn optional(name: &'static str, of: Of, about: &'static str) -> AttributeDefinition {
    AttributeDefinition { name, of, is_required: false, about }
}

const fn required(name: &'static str, of: Of, about: &'static str) -> AttributeDefinition {
    AttributeDefinition { name, of, is_required: true, about }
}

const DEPENDS_ON: AttributeDefinition =
    optional("depends_on", Of::References, "What must be up first, where no reference says so.");
const COUNT: AttributeDefinition = optional("count", Of::Number, "How many instances; `count.index` numbers them.");
const CLUSTER: AttributeDefinition =
    optional("cluster", Of::Text, "Which cluster it lives in, such as `cluster.west`. Default: that of the module.");
const FOR_EACH: AttributeDefinition =
    optional("for_each", Of::Collection, "One instance for each member; `each.key` and `each.value` are the member.");
const CONDITION: &[AttributeDefinition] = &[
    required("condition", Of::Bool, "What must be true."),
    required("error_message", Of::Text, "What to say where it is not."),
];

const PRECONDITION: BlockDefinition = BlockDefinition {
    name: "precondition",
    about: "Must hold before the plan is made.",
    attributes: CONDITION,
    ..BLOCK
};

const POSTCONDITION: BlockDefinition = BlockDefinition {
    name: "postcondition",
    about: "Must hold of what came out, which is called `self`.",
    attributes: CONDITION,
    ..BLOCK
};

const LIFECYCLE: BlockDefinition = BlockDefinition {
    name: "lifecycle",
    about: "How the objects come and go.",
    attributes: &[
        optional("prevent_destroy", Of::ConstantBool, "Refuse every plan that would destroy it."),
        optional("on_destroy", Of::ConstantText, "`\"delete\"`, or `\"keep\"` to leave the objects where they are."),
        optional("ignore_changes", Of::ConstantTexts, "Paths of fields that others may change, or `all`."),
        optional(
            "replace_triggered_by",
            Of::References,
            "What makes it anew when it changes or is made anew: resources, or exports of them.",
        ),
    ],
    blocks: &[PRECONDITION, POSTCONDITION],
    ..BLOCK
};

const READ_CLUSTER: AttributeDefinition =
    optional("cluster", Of::Text, "Which cluster is read, such as `cluster.west`. Default: that of the module.");

const DATA: BlockDefinition = BlockDefinition {
    name: "data",
    labels: &["type", "name"],
    about: "Something that is read from a cluster when planning; the type says what, and what else the block takes. \
            It is referred to as `data.TYPE.NAME`. Where it needs resources that are not up yet, by a reference or by \
            `depends_on`, it is read during apply, when they are.",
    attributes: &[COUNT, FOR_EACH, DEPENDS_ON, READ_CLUSTER],
    blocks: &[BlockDefinition {
        name: "lifecycle",
        about: "What must hold.",
        blocks: &[PRECONDITION, POSTCONDITION],
        ..BLOCK
    }],
    is_open: true,
    ..BLOCK
};

/// All top-level blocks.
pub(crate) const BLOCKS: &[BlockDefinition] = &[
    BlockDefinition {
        name: "rayform",
        about: "Settings of rayform itself.",
        attributes: &[optional("required_version", Of::ConstantText, "Which rayform, such as `>= 0.1, < 2`.")],
        ..BLOCK
    },
    BlockDefinition {
        name: "cluster",
        labels: &["name"],
        is_label_optional: true,
        about: "A cluster to work on: the default one, or with a label one that resources and modules choose.",
        attributes: &[
            optional("kubeconfig", Of::Text, "The kubeconfig file."),
            optional("context", Of::Text, "The context in it."),
        ],
        ..BLOCK
    },
    BlockDefinition {
        name: "variable",
        labels: &["name"],
        about: "A value that is given from outside.",
        attributes: &[
            optional("type", Of::Type, "What values it takes."),
            optional("default", Of::Constant, "The value where none is given."),
            optional("description", Of::ConstantText, "For whoever gives the value."),
            optional("sensitive", Of::ConstantBool, "Never show the value, nor what is made of it."),
            optional("nullable", Of::ConstantBool, "Whether null is a value. Default: true."),
            optional(
                "ephemeral",
                Of::ConstantBool,
                "Read and without effect: no value of a variable is ever recorded.",
            ),
        ],
        blocks: &[BlockDefinition {
            name: "validation",
            about: "What a value must be like.",
            attributes: CONDITION,
            ..BLOCK
        }],
        ..BLOCK
    },
    BlockDefinition { name: "locals", about: "Values with names.", is_open: true, ..BLOCK },
    BlockDefinition {
        name: "output",
        labels: &["name"],
        about: "A value that is shown and recorded after apply, or handed to the calling module.",
        attributes: &[
            required("value", Of::Any, "The value."),
            optional("description", Of::ConstantText, "For whoever reads it."),
            optional("sensitive", Of::ConstantBool, "Never show it."),
            DEPENDS_ON,
        ],
        blocks: &[PRECONDITION],
        ..BLOCK
    },
    BlockDefinition {
        name: "resource",
        labels: &["type", "name"],
        about: "Objects in the cluster; the type says which, and what else the block takes.",
        attributes: &[
            COUNT,
            FOR_EACH,
            DEPENDS_ON,
            CLUSTER,
            optional("allow_checks", Of::ConstantTexts, "Codes of warnings that are silenced, such as `[\"RF113\"]`."),
        ],
        blocks: &[LIFECYCLE],
        is_open: true,
        ..BLOCK
    },
    BlockDefinition {
        name: "module",
        labels: &["name"],
        about: "A folder with a configuration of its own; all other attributes are values of its variables.",
        attributes: &[
            required("source", Of::ConstantText, "Where it is, such as `\"./modules/team\"`."),
            COUNT,
            FOR_EACH,
            DEPENDS_ON,
            CLUSTER,
        ],
        is_open: true,
        ..BLOCK
    },
    DATA,
    BlockDefinition {
        name: "moved",
        about: "What was recorded under one name is called otherwise now: it is not made anew.",
        attributes: &[
            required("from", Of::Reference, "The old name, such as `redis.a`, `redis.a[\"x\"]` or `module.team`."),
            required(
                "to",
                Of::Reference,
                "The new name; of another resource type where that stands for the same objects.",
            ),
        ],
        ..BLOCK
    },
    BlockDefinition {
        name: "removed",
        about: "A resource or module that is not in the configuration any more, and what becomes of its objects.",
        attributes: &[required("from", Of::Reference, "Its name, without keys.")],
        blocks: &[BlockDefinition {
            name: "lifecycle",
            about: "What becomes of the objects.",
            attributes: &[optional(
                "destroy",
                Of::ConstantBool,
                "`false` forgets them and leaves them in the cluster. Default: as the resource had it.",
            )],
            ..BLOCK
        }],
        ..BLOCK
    },
    BlockDefinition {
        name: "import",
        about: "Objects that are there already are taken over by a resource; only in the root module.",
        attributes: &[
            required("to", Of::Reference, "The resource or instance; its keys may be expressions."),
            required("id", Of::Text, "Which objects: `NAME`, `NAMESPACE/NAME`, or as the resource type says."),
            FOR_EACH,
        ],
        ..BLOCK
    },
    BlockDefinition {
        name: "check",
        labels: &["name"],
        about: "What should hold, before and after apply; what does not is a warning, and stops nothing.",
        blocks: &[
            BlockDefinition { name: "assert", about: "One thing that should hold.", attributes: CONDITION, ..BLOCK },
            BlockDefinition {
                about: "Something that only this `check` refers to: it is read again after apply, and that it cannot be \
                        read is a warning.",
                attributes: &[DEPENDS_ON, READ_CLUSTER],
                ..DATA
            },
        ],
        ..BLOCK
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::blocks::Config;
    use crate::config::{collect, parse};
    use crate::model::{FileId, on_large_stack};

    /// Writes a block with everything that it may have.
    fn written(definition: &BlockDefinition) -> String {
        let mut text = definition.name.to_owned();
        if !definition.is_label_optional {
            definition.labels.iter().for_each(|label| text += &[" \"", label, "\""].concat());
        }
        text += " {\n";
        for attribute in definition.attributes.iter().filter(|attribute| attribute.name != "for_each") {
            let value = match (attribute.name, attribute.of) {
                ("to", _) => "a.c",
                (_, Of::Reference) => "a.b",
                ("required_version", _) => "\">= 0\"",
                ("source", _) => "\"./a\"",
                ("on_destroy", _) => "\"keep\"",
                (_, Of::ConstantBool | Of::Bool) => "true",
                (_, Of::References) => "[a.b]",
                (_, Of::ConstantTexts) => "[\"a\"]",
                (_, Of::Number | Of::Constant) => "1",
                (_, Of::Type) => "string",
                _ => "\"a\"",
            };
            text += &["  ", attribute.name, " = ", value, "\n"].concat();
        }
        definition.blocks.iter().for_each(|inner| text += &written(inner));
        text + "}\n"
    }

    #[test]
    fn all_that_is_told_is_taken() {
        for definition in BLOCKS {
            let text = written(definition);
            let body = on_large_stack(|| parse::parse_body(&text, FileId(0))).expect("it parses");
            let (mut config, mut diagnostics) = (Config::default(), Vec::new());
            collect::collect(body, &mut config, &mut diagnostics);
            assert!(diagnostics.is_empty(), "{text}{diagnostics:#?}");
        }
    }
}
