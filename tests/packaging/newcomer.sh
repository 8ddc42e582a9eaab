#!/bin/bash
# newcomer.sh: what README.md says under "On real hosts", done by systemd in the machine of boot.py. TAP on standard output.
# One hypervisor, which carries the map and control as well.
set -u
export HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
pki=/etc/drover/pki daemons="drover-mapd drover-control drover-enforcer drover-hostd" n=0 failed=0

must() { # name, command...: one case; what the command says is shown if it fails
	local name=$1 said
	shift
	n=$((n + 1))
	if said=$("$@" 2>&1); then
		echo "ok $n packaging/$name"
	else
		echo "not ok $n packaging/$name"
		echo "$said"
		failed=1
	fi
}
within() { # seconds, command...: until it succeeds; its last words if it never does
	local end=$((SECONDS + $1)) said
	shift
	until said=$("$@" 2>&1); do
		[ "$SECONDS" -lt "$end" ] || { echo "$said"; return 1; }
		sleep 1
	done
}
says() { # pattern, command...: succeeds or not, its output has the pattern
	local pattern=$1 said
	shift
	said=$("$@" 2>&1)
	grep -q -- "$pattern" <<<"$said" || { echo "$said"; return 1; }
}
certificate() { # file without suffix, common name, alternative name
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "$1.key" -subj "/CN=$2" -out /tmp/request &&
		openssl x509 -req -in /tmp/request -CA $pki/ca.pem -CAkey /tmp/ca.key -CAcreateserial -days 2 -out "$1.pem" \
			-extfile <(echo "subjectAltName=$3")
} 2>/dev/null

installed() { # step 1, after ninja install
	systemd-sysusers && systemd-tmpfiles --create && ldconfig
}
certificates() { # step 2
	local uuid
	uuid=$(virsh capabilities | sed -n '0,/<uuid>/s/.*<uuid>\(.*\)<.*/\1/p') && [ -n "$uuid" ] || return
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout /tmp/ca.key -subj /CN=authority -days 2 \
		-out $pki/ca.pem 2>/dev/null || return
	certificate /etc/drover/mapd map.example DNS:map.example && mv /etc/drover/mapd.pem /etc/drover/mapd.crt &&
		certificate $pki/agent agent-a "URI:urn:uuid:$uuid" && certificate $pki/control control DNS:control &&
		certificate $pki/operator operator DNS:operator || return
	openssl ecparam -name prime256v1 -genkey -noout -out /etc/drover/seal.key &&
		openssl ec -in /etc/drover/seal.key -pubout -out /etc/drover/seal.pub || return
	chmod 0600 /etc/drover/*.key $pki/*.key
	chown drover-mapd /etc/drover/mapd.key
	chown drover-control $pki/control.key /etc/drover/seal.key
	chown drover-hostd $pki/agent.key
}
settings() {
	cat >/etc/drover/mapd.conf <<-'END'
		[server]
		client-ca=/etc/drover/pki/ca.pem
		store=/var/lib/drover-mapd/map.sqlite
		rules=/usr/local/share/drover/mapd-rules.conf
	END
	printf '[map]\nurl = https://map.example:8443/\n' | tee /etc/drover/control.conf >/etc/drover/drover.conf
	cat >/etc/drover/hostd.conf <<-'END'
		[host]
		libvirt_peer = qemu+tls://a.example/system
		[map]
		url = https://map.example:8443/
		[segments]
		front = br-front
		back = br-back
		[uplinks]
		eno1 = sw1,duct-north
		eno2 = sw2,duct-south
	END
	mkdir -p /etc/libvirt/hooks && ln -s /usr/local/libexec/drover/drover-hook /etc/libvirt/hooks/qemu
}
network() {
	ip link set lo up && hostname a.example && echo "127.0.0.1 map.example a.example" >>/etc/hosts
	for pair in "front eno1" "back eno2"; do
		read -r segment uplink <<<"$pair"
		ip link add "br-$segment" up type bridge && ip link add "$uplink" up master "br-$segment" type dummy || return
	done
}
domain() { # name, metadata: a machine with nothing but a kernel to look for
	cat <<-END
		<domain type='qemu'><name>$1</name><metadata>$2</metadata><memory unit='MiB'>32</memory>
		<os><type arch='x86_64'>hvm</type></os><devices><emulator>/usr/bin/qemu-system-x86_64</emulator></devices></domain>
	END
}
strangers() { # what no vApp claims may start
	domain stranger "" >/tmp/stranger.xml && virsh create /tmp/stranger.xml && virsh destroy stranger
}
forgeries() { # what claims to be a vApp's may not, unless its seal holds
	domain forgery "<d:member xmlns:d='urn:drover:domain:1' vapp='shop' version='1.0' machine='web1' uuid='' digest='' seal='QUJD'/>" \
		>/tmp/forgery.xml && says SEAL_INVALID virsh create /tmp/forgery.xml
}
returns() { # daemon: systemd brings it back when it is killed
	systemctl kill -s KILL "$1" && sleep 1 && within 120 systemctl is-active --quiet "$1"
}
clean() { # nothing was killed by a filter of system calls, and nothing was refused by one
	! journalctl --no-pager -u drover-mapd -u drover-control -u drover-enforcer -u drover-hostd | grep -E 'SYS|cannot confine|no Landlock'
}

must accounts installed
network
systemctl restart libvirtd
must certificates within 60 certificates
must settings settings
must "map and control" systemctl enable --now drover-mapd drover-control
must hypervisor systemctl enable --now drover-enforcer drover-hostd
systemctl restart libvirtd
must "every unit runs" within 60 systemctl is-active $daemons
must "the host is known" within 120 says '^a.example .*yes' drover hosts
must link drover link sw1 sw2
must labels drover label load "$1/labels.conf"
must import drover vapp import "$1/shop/shop.ovf"
must plan within 60 says ': clear' drover plan shop --to a.example
must "strangers start" strangers
must "forgeries do not" forgeries
for daemon in $daemons; do
	must "$daemon comes back" returns "$daemon"
done
must "the host is known again" within 120 says '^a.example .*yes' drover hosts
must "no filter in the way" clean
if [ $failed != 0 ]; then
	for daemon in $daemons libvirtd; do
		journalctl --no-pager -o short -u "$daemon" | grep -v ' operator: ' | tail -20
	done
fi
echo "1..$n"
