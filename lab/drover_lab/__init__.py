"""The lab: hypervisors, switches and guests on one Debian machine, each in namespaces of its own.

    from drover_lab.lab import Lab
    with Lab.up() as lab:
        lab.virsh("A", "list", "--all")

Nothing here touches the machine's own libvirt, networks or files, but for the registry of running labs and three
empty mount points (registry.py). Needs root; standard library only.
"""
