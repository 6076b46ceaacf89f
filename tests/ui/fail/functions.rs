//! Functions that are no daemons. Nothing else is wrong with the program.

struct Type;

impl Type {
    #[daemon::run]
    fn method(&self) -> u8 {
        3
    }
}

#[daemon::run]
unsafe fn dangerous() {}

#[daemon::run]
const fn constant() {}

#[daemon::run]
extern "C" fn foreign() {}

#[daemon::run]
fn generic<T: Clone, const N: usize>(x: [T; N]) -> Vec<T> {
    x.to_vec()
}

#[daemon::step]
fn opaque(work: impl Fn() -> u8) -> impl Iterator<Item = u8> {
    std::iter::once(work())
}

#[daemon::run]
fn daemon() {}

#[daemon::run]
struct Structure;

fn main() -> daemon::Result<()> {
    Type.method();
    dangerous::stop()?;
    foreign::foreground()?;
    generic(["x"; 3])?;
    generic::start([3; 3])?;
    opaque(|| 3)?;
    let _ = opaque::call(|| 3).next();
    let _ = Structure;
    Ok(())
}
