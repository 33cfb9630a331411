"""Requests that one thread of a rank waits for and another completes."""

from __future__ import annotations


def test_a_thread_completes_a_generalised_request(told):
    assert told("""
        from mpi4py import MPI

        def work(request):
            time.sleep(2)
            request.complete("done")

        request = MPI.Grequest.Start()
        threading.Thread(target=work, args=(request,)).start()
        tell((request.wait(), now()))
        request = MPI.Grequest.Start()
        threading.Thread(target=work, args=(request,)).start()
        message = MPI.COMM_WORLD.irecv(source=0)
        MPI.COMM_WORLD.send("message", 0)
        tell((MPI.Request.waitall([message, request]), now()))
    """) == [("done", 2000), (["message", "done"], 4000)]


def test_threads_have_the_partitions_of_a_message_ready(told):
    assert told("""
        import numpy as np
        from mpi4py import MPI

        comm = MPI.COMM_WORLD
        data, room = np.arange(8), np.zeros(8, int)
        sending = comm.Psend_init(data, 4, 0, 1)
        receiving = comm.Precv_init(room, 2, 0, 1)
        MPI.Prequest.Startall([receiving, sending])

        def prepare(partition):
            time.sleep(partition + 1)
            data[2 * partition : 2 * partition + 2] += 100
            sending.Pready(partition)

        for partition in range(4):
            threading.Thread(target=prepare, args=(partition,)).start()
        while not receiving.Parrived(0):
            time.sleep(0.5)
        tell((now(), room[:4].tolist()))
        MPI.Request.Waitall([sending, receiving])
        tell((now(), room.tolist()))
    """) == [
        (2000, [100, 101, 102, 103]),
        (4000, [100, 101, 102, 103, 104, 105, 106, 107]),
    ]
