use super::*;

/// `n` memories with one device each around one switch; 1 GB/s, 1 us per link.
fn star(n: usize) -> ClusterSpec {
    ClusterSpec {
        name: "star".into(),
        memories: (0..n)
            .map(|i| MemorySpec { name: format!("m{i}"), ..Default::default() })
            .collect(),
        devices: (0..n)
            .map(|i| DeviceSpec {
                name: format!("d{i}"),
                class: "cpu".into(),
                memory: format!("m{i}"),
                lanes: 2,
                speed: 1.0,
                ..Default::default()
            })
            .collect(),
        switches: vec![SwitchSpec { name: "switch".into(), bytes_per_s: None }],
        links: (0..n)
            .map(|i| LinkSpec {
                name: format!("up{i}"),
                a: format!("m{i}"),
                b: "switch".into(),
                bytes_per_s: 1e9,
                latency_ns: 1000,
                ..Default::default()
            })
            .collect(),
        ..Default::default()
    }
}

#[test]
fn a_star_routes_over_two_links() {
    let cluster = Cluster::new(star(3)).unwrap();
    let mut route = Vec::new();
    cluster.route(MemoryId(0), MemoryId(2), &mut route);
    assert_eq!(route, [ChannelId(0), ChannelId(5)]);
    assert_eq!(cluster.transfer_ns(MemoryId(0), MemoryId(2), 1_000_000), 2000 + 1_000_000);
    assert_eq!(cluster.transfer_ns(MemoryId(1), MemoryId(1), 1_000_000), 0);
    assert_eq!(cluster.lanes(DeviceId(1)).collect::<Vec<_>>(), [LaneId(2), LaneId(3)]);
    assert_eq!(cluster.lane_name(LaneId(3)), "d1.1");
}

#[test]
fn a_direct_link_beats_a_detour_of_less_latency() {
    let mut spec = star(2);
    spec.links.push(LinkSpec {
        name: "direct".into(),
        a: "m0".into(),
        b: "m1".into(),
        bytes_per_s: 1e8,
        latency_ns: 9000,
        duplex: Duplex::Half,
        ..Default::default()
    });
    let cluster = Cluster::new(spec).unwrap();
    assert_eq!(cluster.latency_ns(MemoryId(1), MemoryId(0)), 9000);
    assert_eq!(cluster.bandwidth_bytes_per_s(MemoryId(1), MemoryId(0)), 1e8);
}

#[test]
fn a_bus_is_a_switch_with_a_bandwidth_and_one_way_links_lead_one_way() {
    let mut spec = star(3);
    spec.switches[0].bytes_per_s = Some(5e8);
    let cluster = Cluster::new(spec.clone()).unwrap();
    let mut route = Vec::new();
    cluster.route(MemoryId(0), MemoryId(2), &mut route);
    assert_eq!(route, [ChannelId(0), ChannelId(6), ChannelId(5)]);
    assert_eq!(cluster.bandwidth_bytes_per_s(MemoryId(0), MemoryId(2)), 5e8);
    spec.links[1].duplex = Duplex::Simplex;
    let error = Cluster::new(spec).unwrap_err();
    assert!(matches!(error, ClusterError::Unreachable { to, .. } if to == "m1"));
}

#[test]
fn bad_specs_are_refused() {
    type Break = fn(&mut ClusterSpec);
    let cases: [(&str, Break); 8] = [
        ("no device", |s| s.devices.clear()),
        ("are named \"m0\"", |s| s.memories[1].name = "m0".into()),
        ("names \"nowhere\"", |s| s.devices[0].memory = "nowhere".into()),
        ("no links lead from", |s| {
            s.links.pop();
        }),
        ("bandwidth of link \"up0\" is 0", |s| s.links[0].bytes_per_s = 0.0),
        ("speed of device \"d1\" is NaN", |s| s.devices[1].speed = f64::NAN),
        ("device \"d0\" draws 1 mW busy and 2 mW idle", |s| {
            s.devices[0].power = Some(Power { idle_mw: 2, busy_mw: 1 });
        }),
        ("to itself", |s| s.links[0].b = "m0".into()),
    ];
    for (expected, break_it) in cases {
        let mut spec = star(2);
        break_it(&mut spec);
        let message = Cluster::new(spec).unwrap_err().to_string();
        assert!(message.contains(expected), "{message:?} lacks {expected:?}");
    }
}

#[test]
fn mean_transfer_is_over_pairs_of_different_lanes() {
    let mut spec = star(2);
    let mean = Cluster::new(spec.clone()).unwrap().mean_transfer();
    assert!((mean.latency_ns - 2000.0 * 8.0 / 12.0).abs() < 1e-9, "4 of 12 pairs are local");
    spec.devices.iter_mut().for_each(|d| d.lanes = 1);
    let mean = Cluster::new(spec).unwrap().mean_transfer();
    assert_eq!(mean.latency_ns, 2000.0);
    assert_eq!(mean.ns(1000), 3000.0);
}

#[test]
fn transfers_are_rounded_up_and_whole_results_are_exact() {
    for bytes in 0..10_000 {
        assert_eq!(bytes_ns(bytes, 1e9), bytes);
        assert_eq!(bytes_ns(bytes, 2.5e8), 4 * bytes);
        assert_eq!(bytes_ns(bytes, 3e9), bytes.div_ceil(3));
        let large = bytes * 1_000_003;
        assert_eq!(bytes_ns(large, 1.25e9), (large * 4).div_ceil(5));
    }
}
