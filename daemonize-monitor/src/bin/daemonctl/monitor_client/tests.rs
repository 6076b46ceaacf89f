//! Tests of the client.

use super::*;

#[test]
fn a_name_is_one_part_of_a_path() {
    assert_eq!(segment("web:1"), "web:1");
    assert_eq!(segment("../x?y#z ü%"), "..%2Fx%3Fy%23z%20%C3%BC%25");
}

#[test]
fn a_refusal_has_its_exit_status() {
    let exit = |answer: Value| refused(&answer).map_err(|failure| (failure.exit, failure.text));
    assert_eq!(exit(json!({"success": true})), Ok(()));
    assert_eq!(exit(json!({"success": false, "message": "no"})), Err((ExitStatus::Failed, "no".into())));
    assert_eq!(exit(json!({"success": false, "message": "no", "timeout": true})).unwrap_err().0, ExitStatus::Timeout);
    assert_eq!(exit(json!({"success": false, "message": "no", "unknown": true})).unwrap_err().0, ExitStatus::NoSuchBot);
}
