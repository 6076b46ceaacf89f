//! Cases that are measured in turns, and their table.

use measure::{Table, WorkDir, interleave, load};

use crate::bench::Bench;

/// One value of a case.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Value {
    pub(crate) value: f64,
    /// Says that the pidfile named no living process when the launcher had exited.
    pub(crate) is_late: bool,
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self { value, is_late: false }
    }
}

/// Measures a case once; the directory is for what the measured programs print.
type Measure<'a> = Box<dyn Fn(&WorkDir) -> Result<Value, String> + 'a>;

/// A row of a table: what is measured, and what it is compared with.
pub(crate) struct Case<'a> {
    name: String,
    measure: Measure<'a>,
    /// The name of the case that this one is a multiple of.
    base: Option<String>,
    wanted: Option<f64>,
    every: usize,
}

impl<'a> Case<'a> {
    /// Creates a case that is compared with the first one of its table.
    pub(crate) fn new(name: impl Into<String>, measure: impl Fn(&WorkDir) -> Result<Value, String> + 'a) -> Self {
        Self { name: name.into(), measure: Box::new(measure), base: None, wanted: None, every: 1 }
    }

    /// Sets the name of the case that this one is compared with.
    pub(crate) fn beside(mut self, name: &str) -> Self {
        self.base = Some(name.into());
        self
    }

    /// Sets what the ratio may be at most.
    pub(crate) fn wanted(mut self, at_most: f64) -> Self {
        self.wanted = Some(at_most);
        self
    }

    /// Measures this case in every tenth round only: it is slow, and its ratio needs no precision.
    pub(crate) fn seldom(mut self) -> Self {
        self.every = 10;
        self
    }
}

/// Measures cases and reports them in a table: values in `unit`, ratios under the heading `ratio`.
///
/// `further` are ratios of two of the cases with their wanted limits, reported below.
///
/// # Errors
/// The first failure of a case, or a name that no case has.
pub(crate) fn measure(
    bench: &mut Bench,
    default_rounds: usize,
    [unit, ratio]: [&str; 2],
    cases: &[Case],
    further: &[(&str, &str, f64)],
) -> Result<(), String> {
    let index = |name: &str| {
        let found = cases.iter().position(|case| case.name == name);
        found.ok_or_else(|| format!("no case is called `{name}`"))
    };
    let load_before = load();
    let mut late = vec![0; cases.len()];
    let every: Vec<usize> = cases.iter().map(|case| case.every).collect();
    let samples = interleave(bench.rounds(default_rounds), &every, |case, round| {
        let Case { name, measure, .. } = &cases[case];
        let value = measure(&bench.work_dir).map_err(|problem| format!("{name}: {problem}"))?;
        late[case] += u32::from(value.is_late && round > 0);
        Ok::<_, String>(value.value)
    })?;
    let mut table = Table::new(&["", "rounds", &format!("{unit} [p10..p90]"), ratio, "wanted"]);
    for (number, case) in cases.iter().enumerate() {
        let base = case.base.as_deref().map_or(Ok(0), index)?;
        let [rounds, value, ratio, wanted] = bench.cells(&samples[number], &samples[base], case.wanted);
        table.row([case.name.clone(), rounds, value, ratio, wanted]);
    }
    for (name, base, at_most) in further {
        let [rounds, _, ratio, wanted] = bench.cells(&samples[index(name)?], &samples[index(base)?], Some(*at_most));
        table.row([format!("{name} ÷ {base}"), rounds, String::new(), ratio, wanted]);
    }
    bench.table(&table, &load_before);
    for (case, late) in cases.iter().zip(late).filter(|(_, late)| *late > 0) {
        bench.say(format_args!(
            "{}: {late} of the pidfiles were not valid yet when the launcher had exited.\n",
            case.name
        ));
    }
    Ok(())
}
