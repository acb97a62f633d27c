//! Docker's form of the system call policy: the same table as the native engine's, as JSON.
//!
//! The profile holds for a container's init, which needs a few calls more than a program; before
//! init becomes a program it installs the policy itself once more, without them.
//!
//! Docker can only say what is *allowed if* an argument has certain bits, and rules of one call
//! are alternatives. So "none of these values" becomes the list of all bit patterns that lead to
//! another value (at most 32 for each value), which says exactly the same.

use serde_json::{Value, json};

use crate::native::seccomp::{self, Action, Check, Policy};

/// What init needs beside: a second lock and the filter for the program that it becomes.
const FOR_INIT: &[libc::c_long] = &[
    libc::SYS_landlock_add_rule,
    libc::SYS_landlock_create_ruleset,
    libc::SYS_landlock_restrict_self,
    libc::SYS_seccomp,
];

/// The policy for programs in containers. Init has the same user there, and limits that somebody
/// sets on another process would reach it.
pub(super) fn for_programs() -> Policy {
    let mut policy = seccomp::policy();
    let itself = Action::Only {
        argument: 0,
        check: Check::Among(vec![0]),
        otherwise: libc::EPERM,
    };
    let number = libc::SYS_prlimit64 as u32;
    policy.table.retain(|(listed, _)| *listed != number);
    policy.table.push((number, itself));
    policy
}

/// The policy for init.
fn for_init() -> Policy {
    let mut policy = for_programs();
    let more = FOR_INIT
        .iter()
        .map(|&number| (number as u32, Action::Allow));
    policy.table.extend(more);
    policy
}

#[cfg(target_arch = "x86_64")]
const ARCHITECTURE: &str = "SCMP_ARCH_X86_64";
#[cfg(target_arch = "aarch64")]
const ARCHITECTURE: &str = "SCMP_ARCH_AARCH64";

/// The profile, as it goes into a container's `SecurityOpt`.
pub(super) fn json() -> Value {
    let policy = for_init();
    let rules: Vec<Value> = policy.table.iter().flat_map(rules).collect();
    json!({
        // As for every number that is not listed.
        "defaultAction": "SCMP_ACT_ERRNO",
        "architectures": [ARCHITECTURE],
        "syscalls": rules,
    })
}

fn rules((number, action): &(u32, Action)) -> Vec<Value> {
    let name = seccomp::name(*number).expect("what the policy lists has a name");
    let rule = |outcome: &Outcome, args: Value| {
        let mut rule = json!({"names": [name], "args": args});
        match outcome {
            Outcome::Allow => rule["action"] = json!("SCMP_ACT_ALLOW"),
            Outcome::Fail(errno) => {
                rule["action"] = json!("SCMP_ACT_ERRNO");
                rule["errnoRet"] = json!(errno);
            }
        }
        rule
    };
    match action {
        Action::Allow => vec![rule(&Outcome::Allow, json!([]))],
        Action::Fail(errno) => vec![rule(&Outcome::Fail(*errno), json!([]))],
        Action::Only {
            argument,
            check,
            otherwise,
        } => {
            let patterns = |outcome: Outcome, patterns: Vec<Pattern>| {
                patterns
                    .into_iter()
                    .map(|pattern| rule(&outcome, json!([pattern.condition(*argument)])))
                    .collect::<Vec<_>>()
            };
            let (passing, failing) = sides(check);
            let mut all = patterns(Outcome::Allow, passing);
            // The default needs no rule, and the library that compiles the profile wants none.
            if *otherwise != libc::EPERM {
                all.extend(patterns(Outcome::Fail(*otherwise), failing));
            }
            all
        }
    }
}

enum Outcome {
    Allow,
    Fail(i32),
}

/// Values whose bits under a mask are these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Pattern {
    mask: u32,
    bits: u32,
}

impl Pattern {
    fn exactly(value: u32) -> Self {
        Self {
            mask: u32::MAX,
            bits: value,
        }
    }

    /// Above 32 bits nothing matters: the kernel reads no more of these arguments.
    fn condition(self, argument: u8) -> Value {
        json!({
            "index": argument,
            "value": self.mask,
            "valueTwo": self.bits,
            "op": "SCMP_CMP_MASKED_EQ",
        })
    }
}

/// The values that pass a check, and those that do not.
fn sides(check: &Check) -> (Vec<Pattern>, Vec<Pattern>) {
    let exactly = |values: &[u32]| values.iter().copied().map(Pattern::exactly).collect();
    match check {
        Check::Among(values) => (exactly(values), all_but(values)),
        Check::NotAmong(values) => (all_but(values), exactly(values)),
        Check::WithoutBits(mask) => {
            let none = Pattern {
                mask: *mask,
                bits: 0,
            };
            let one_of = (0..u32::BITS).map(|bit| 1 << bit);
            let one_of = one_of.filter(|bit| mask & bit != 0);
            let some = one_of.map(|bit| Pattern {
                mask: bit,
                bits: bit,
            });
            (vec![none], some.collect())
        }
    }
}

/// Patterns that together match every value but these, each value once.
fn all_but(values: &[u32]) -> Vec<Pattern> {
    let mut patterns = Vec::new();
    collect(0, 0, values, &mut patterns);
    patterns
}

/// Halves the values that begin with `length` bits of `bits` until none of the excluded is left.
fn collect(length: u32, bits: u32, excluded: &[u32], patterns: &mut Vec<Pattern>) {
    let mask = u32::MAX.checked_shl(u32::BITS - length).unwrap_or(0);
    let inside: Vec<u32> = excluded
        .iter()
        .copied()
        .filter(|value| value & mask == bits)
        .collect();
    if inside.is_empty() {
        patterns.push(Pattern { mask, bits });
    } else if length < u32::BITS {
        let next = 1 << (u32::BITS - length - 1);
        collect(length + 1, bits, &inside, patterns);
        collect(length + 1, bits | next, &inside, patterns);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What Docker's rules say: the number to answer, or `None` to allow.
    fn by_profile(profile: &Value, number: u32, arguments: [u64; 6]) -> Option<i64> {
        let name = seccomp::name(number);
        let mut answers = Vec::new();
        for rule in profile["syscalls"].as_array().unwrap() {
            if name.is_none_or(|name| rule["names"] != json!([name])) {
                continue;
            }
            let holds = rule["args"].as_array().unwrap().iter().all(|condition| {
                assert_eq!(condition["op"], "SCMP_CMP_MASKED_EQ");
                let argument = arguments[condition["index"].as_u64().unwrap() as usize];
                let (mask, bits) = (&condition["value"], &condition["valueTwo"]);
                argument & mask.as_u64().unwrap() == bits.as_u64().unwrap()
            });
            if holds {
                answers.push(match rule["action"].as_str().unwrap() {
                    "SCMP_ACT_ALLOW" => None,
                    _ => Some(rule["errnoRet"].as_i64().unwrap()),
                });
            }
        }
        assert!(answers.len() <= 1, "{number} {arguments:?} has two answers");
        answers.pop().unwrap_or(Some(libc::EPERM.into()))
    }

    /// What the table says.
    fn by_table(policy: &Policy, number: u32, arguments: [u64; 6]) -> Option<i64> {
        let listed = policy.table.iter().find(|(listed, _)| *listed == number);
        match listed.map_or(&policy.unlisted, |(_, action)| action) {
            Action::Allow => None,
            Action::Fail(errno) => Some(i64::from(*errno)),
            Action::Only {
                argument,
                check,
                otherwise,
            } => {
                let value = arguments[usize::from(*argument)] as u32;
                let passes = match check {
                    Check::Among(values) => values.contains(&value),
                    Check::NotAmong(values) => !values.contains(&value),
                    Check::WithoutBits(mask) => value & mask == 0,
                };
                (!passes).then(|| i64::from(*otherwise))
            }
        }
    }

    /// Values around which checks change their mind.
    fn interesting(policy: &Policy) -> Vec<u64> {
        let mut values = vec![0, 1, u64::MAX, 1 << 32];
        for (_, action) in &policy.table {
            if let Action::Only { check, .. } = action {
                match check {
                    Check::Among(all) | Check::NotAmong(all) => {
                        values.extend(all.iter().map(|value| u64::from(*value)));
                    }
                    Check::WithoutBits(mask) => values.push(u64::from(*mask)),
                }
            }
        }
        let around = values.iter().flat_map(|value| {
            [
                value.wrapping_sub(1),
                *value,
                value.wrapping_add(1),
                value ^ (0xDEAD << 32),
            ]
        });
        around.collect()
    }

    #[test]
    fn profile_and_table_agree_for_every_number() {
        let (policy, profile) = (for_init(), json());
        let values = interesting(&policy);
        for number in 0..policy.known {
            for &value in &values {
                let arguments = [value; 6];
                assert_eq!(
                    by_profile(&profile, number, arguments),
                    by_table(&policy, number, arguments),
                    "{number} {value:#x}"
                );
            }
        }
    }

    #[test]
    fn programs_have_the_native_policy_but_for_limits_of_others() {
        let (native, ours) = (seccomp::policy(), for_programs());
        for number in 0..native.known {
            for value in interesting(&ours) {
                let same =
                    by_table(&native, number, [value; 6]) == by_table(&ours, number, [value; 6]);
                let expected = i64::from(number) != libc::SYS_prlimit64 || value as u32 == 0;
                assert_eq!(same, expected, "{number} {value:#x}");
            }
        }
    }

    proptest! {
        #[test]
        fn all_but_some_values_is_just_that(excluded in prop::collection::vec(any::<u32>(), 0..6), value: u32) {
            let matching = |value: u32| {
                let patterns = all_but(&excluded);
                patterns.iter().filter(|pattern| value & pattern.mask == pattern.bits).count()
            };
            prop_assert_eq!(matching(value), usize::from(!excluded.contains(&value)));
            for &one in &excluded {
                prop_assert_eq!(matching(one), 0);
            }
        }
    }
}
