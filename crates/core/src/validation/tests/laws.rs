//! Laws, tried on random licenses and requests.

use proptest::prelude::*;

use super::*;

/// Several faults at once, and limits of which some are passed.
fn worlds() -> impl Strategy<Value = World> {
    let faults = prop::collection::vec(prop::sample::select(FAULTS), 0..4);
    let limits = prop::collection::vec(prop::option::of(0..5_u64), 4);
    let overage = prop::sample::select(vec![
        LimitOverage::Refuse,
        LimitOverage::Allow,
        LimitOverage::Percent(50),
    ]);
    let flags = (any::<bool>(), any::<bool>(), any::<bool>());
    (faults, limits, overage, flags, 0..3_u8).prop_map(|(faults, limits, overage, flags, more)| {
        let mut world = World::new();
        world.terms.max_activations = Limit(limits[0]);
        world.terms.max_cores = Limit(limits[1].map(|limit| limit * 3));
        world.terms.max_users = Limit(limits[2]);
        world.terms.max_processes = Limit(limits[3]);
        world.terms.processes_per = ProcessesPer::License;
        world.terms.limit_overage = overage;
        (world.terms.strict, world.request.is_quick, world.terms.floating) = flags;
        world.live.processes = (0..more).map(|id| Arc::new(process(id, 1))).collect();
        for (_, fault) in faults {
            fault(&mut world);
        }
        for id in 0..more {
            world.live.activations.push(Arc::new(machine(20 + id, "b")));
        }
        world
    })
}

fn raised(limit: Limit, by: u64) -> Limit {
    Limit(limit.0.filter(|_| by < 8).map(|limit| limit + by))
}

proptest! {
    #[test]
    fn a_quick_validation_never_wants_more(mut world in worlds()) {
        world.request.is_quick = true;
        prop_assert!(!world.validate().code.word().ends_with("-required"));
    }

    #[test]
    fn a_full_validation_is_never_laxer_than_a_quick_one(mut world in worlds()) {
        world.request.is_quick = false;
        let full = world.validate().is_valid;
        world.request.is_quick = true;
        prop_assert!(!full || world.validate().is_valid);
    }

    #[test]
    fn raising_a_limit_never_makes_invalid(
        world in worlds(),
        by in prop::collection::vec(0..10_u64, 7),
    ) {
        let mut roomier = world.clone();
        let terms = &mut roomier.terms;
        let limits = [
            &mut terms.max_activations,
            &mut terms.max_cores,
            &mut terms.max_memory,
            &mut terms.max_disk,
            &mut terms.max_processes,
            &mut terms.max_users,
            &mut terms.max_deactivations,
        ];
        for (limit, by) in limits.into_iter().zip(by) {
            *limit = raised(*limit, by);
        }
        prop_assert!(!world.validate().is_valid || roomier.validate().is_valid);
    }

    #[test]
    fn more_overage_never_makes_invalid(world in worlds()) {
        let mut laxer = world.clone();
        laxer.terms.limit_overage = LimitOverage::Allow;
        prop_assert!(!world.validate().is_valid || laxer.validate().is_valid);
    }

    #[test]
    fn units_that_are_held_or_shared_do_not_matter(world in worlds(), units in any::<i64>()) {
        let mut used = world.clone();
        used.live.shares.push(crate::live::Share {
            activation: FIRST,
            meter: code("frames"),
            quantity: units,
        });
        used.live.holds.push(Arc::new(crate::live::Hold {
            id: crate::id::HoldId::from_bytes([1; 16]),
            meter: code("frames"),
            activation: None,
            units,
            expires_at: NOW,
            created_at: NOW,
        }));
        prop_assert_eq!(used.validate(), world.validate());
    }

    #[test]
    fn a_code_other_than_valid_is_valid_only_where_terms_forgive(world in worlds()) {
        let Verdict { is_valid, code, .. } = world.validate();
        let is_forgivable = code == ValidationCode::Expired || code.word().starts_with("too-m");
        prop_assert!(!is_valid || code == ValidationCode::Valid || is_forgivable);
        prop_assert!(code != ValidationCode::Valid || is_valid);
    }
}
