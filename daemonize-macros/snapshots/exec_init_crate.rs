fn main() {
    fn main() {
        serve()
    }
    crate::facade::exec::init();
    main()
}
