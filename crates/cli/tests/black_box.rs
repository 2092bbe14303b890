//! The program from outside: arguments in, streams and exit code out.

mod black_box {
    pub(crate) mod run;
    mod help;
    mod codice_fiscale;
    mod pki;
    mod exports;
    mod layouts;
    mod samples;
    mod offline;
    mod demo;
}
