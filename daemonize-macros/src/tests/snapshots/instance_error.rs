fn main() {
    ::core::unimplemented!()
}
::core::compile_error! {
    "unknown key `colour`, expected one of `name`, `app_dir`, `address`, `without_token`, `on_open`, `configure`, `crate`"
}
