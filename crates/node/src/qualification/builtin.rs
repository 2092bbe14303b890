//! The built-in suite: the files of `config/qualification/` and the mappings that they use.

macro_rules! files {
    ($($name:literal),+ $(,)?) => {
        /// Name, as the list of cases writes it, and content.
        pub(super) const FILES: &[(&str, &[u8])] =
            &[$(($name, include_bytes!(concat!("../../../../config/qualification/", $name))),)+];
    };
}

files![
    "suite.toml",
    "../mappings/alfa.toml",
    "../mappings/gamma.toml",
    "rows.csv",
    "rows.expected.csv",
    "lines.csv",
    "lines.expected.csv",
    "population.csv",
    "across.csv",
    "across.expected.csv",
    "operations.csv",
    "operations.expected.csv",
    "alfa.csv",
    "alfa.expected.csv",
    "gamma.csv",
    "gamma.expected.csv",
    "header.csv",
    "header.expected.csv",
    "separator.csv",
    "separator.expected.csv",
    "wrong-encoding.csv",
    "wrong-encoding.expected.csv",
];
