# SPDX-License-Identifier: BSD-3-Clause
"""The loader: order, release, failures, waiting, interrupts, and who lives how long."""

import os
import signal
import threading
import time
from typing import Any, Callable, List
from unittest import mock

import standin
from devmem import DevmemError, Exporter, Http, Loader, ReleasedError, _lib, parse_index

PAGE = standin.SIZE_ONE


def load(*urls: str, **options: Any) -> Loader:
    """A loader of host memory."""
    return Loader(urls, **{"exporter": "host", "window": 16 * PAGE, **options})


def later(seconds: float, action: Callable[[], Any]) -> threading.Timer:
    """Does @action in another thread."""
    timer = threading.Timer(seconds, action)
    timer.start()
    return timer


class HttpTest(standin.StandinTest):
    """The client."""

    def test_options(self) -> None:
        with Http("eth1", Exporter("host"), connections=7, server_timeout=1.5):
            self.assertEqual(b"=eth1", standin.text("nic"))
        for given, filtered in ((None, b""), ("^lo", b"^lo"), ("=a,b", b"=a,b")):
            with Http(given, Exporter("host")):
                self.assertEqual(filtered, standin.text("nic"))

    def test_all_options_arrive(self) -> None:
        values = dict(
            queues=2, connections=3, pool_bytes=4, part_bytes=5, tries=6, redirects=8
        )
        with Http(None, Exporter("host"), server_timeout=7, broker="/b", **values):
            function = _lib.http().standin_options
            function.restype = _lib.ctypes.POINTER(_lib._structs.HttpOptions)
            options = function().contents
            self.assertEqual(7000, options.timeout_ms)
            self.assertIsNone(options.lease_dir)
            for name, value in values.items():
                self.assertEqual(value, getattr(options, name), name)

    def test_failure(self) -> None:
        with self.assertRaisesRegex(DevmemError, "ask for fewer"):
            Http(None, Exporter("host"), connections=1000)
        with self.assertRaisesRegex(DevmemError, "no interface of none"):
            Http("none", Exporter("host"))

    def test_figures(self) -> None:
        with Http(None, Exporter("host")) as http:
            stats = http.stats()
            self.assertEqual((1, 14, 15), (stats["requests"], stats["tokens_returned"], len(stats)))
            self.assertEqual(5, http.progress())
        self.assertRaisesRegex(ValueError, "closed", http.stats)

    def test_index(self) -> None:
        entries = parse_index(b"ab", "http://h/")
        self.assertEqual([("a", "http://h/a"), ("b", "http://h/b")], entries)
        self.assertRaisesRegex(DevmemError, "no index", parse_index, b"", "http://h/")


class OrderTest(standin.StandinTest):
    """What comes, and in which order."""

    def test_objects_in_order(self) -> None:
        urls = [f"size/{size}" for size in (1, 0, 5000, 7)]
        with load(*urls) as loader:
            seen = [(obj.number, obj.url, obj.tobytes()) for obj in loader]
        contents = [bytes((n,)) * int(url[5:]) for n, url in enumerate(urls)]
        self.assertEqual(list(zip(range(4), urls, contents)), seen)

    def test_late_objects_are_waited_for(self) -> None:
        sizes = [obj.nbytes for obj in load("late/3", "size/1", "late/2")]
        self.assertEqual([3, 1, 2], sizes)

    def test_no_objects(self) -> None:
        self.assertEqual([], list(load()))

    def test_many_more_than_the_window_holds(self) -> None:
        loader = load(*["size/8000"] * 300, window=2 * PAGE)
        self.assertEqual(300, sum(obj.tobytes() == bytes((n & 255,)) * 8000
                                  for n, obj in enumerate(loader)))

    def test_kinds_of_memory(self) -> None:
        for kind in ("udmabuf", "dmvram", "cuda"):
            for obj in load("size/5000", exporter=kind):
                self.assertEqual(bytes(5000), obj.tobytes())

    def test_bad_arguments(self) -> None:
        self.assertRaises(ValueError, load, on_error="ignore")
        self.assertRaises(TypeError, load, http=object(), connections=1)
        self.assertRaises(TypeError, load, nonsense=1)


class ReleaseTest(standin.StandinTest):
    """When the memory of an object goes back."""

    def test_next_releases(self) -> None:
        loader = load("size/1", "size/1")
        first = next(loader)
        second = next(loader)
        self.assertRaises(ReleasedError, first.tobytes)
        self.assertEqual("<devmem.Object 0 size/1, released>", repr(first))
        self.assertEqual(1, standin.count("objects_out"))
        self.assertRaises(StopIteration, next, loader)
        self.assertTrue(second.released)

    def test_object_that_is_dropped_goes_back(self) -> None:
        loader = load("size/1", "never", timeout=0.01)
        next(loader)
        self.assertRaises(TimeoutError, next, loader)
        self.assertEqual(0, standin.count("objects_out"))

    def test_kept(self) -> None:
        loader = load("size/3", "size/3", "size/3")
        kept = [obj.keep() for obj in loader]
        self.assertEqual([b"\0\0\0", b"\1\1\1", b"\2\2\2"], [obj.tobytes() for obj in kept])
        kept[1].release()
        self.assertRaises(StopIteration, next, loader)
        self.assertEqual(2, standin.count("objects_out"))

    def test_with_releases_what_is_kept(self) -> None:
        with next(load("size/3")).keep() as obj:
            self.assertEqual(3, obj.nbytes)
        self.assertTrue(obj.released)

    def test_views_put_it_off(self) -> None:
        numpy = self.need_numpy()
        loader = load("size/4", "size/4", "size/4")
        arrays = [numpy.asarray(next(loader).view("<u4")), numpy.from_dlpack(next(loader))]
        last = next(loader)
        self.assertEqual(3, standin.count("objects_out"))
        self.assertEqual([0], arrays[0].tolist())
        self.assertEqual([1, 1, 1, 1], arrays[1].tolist())
        arrays.clear()
        self.assertRaises(StopIteration, next, loader)
        self.assertEqual((True, 0), (last.released, standin.count("objects_out")))

    def test_events_put_it_off(self) -> None:
        loader = load("size/1", "size/1", "size/1", window=2 * PAGE, timeout=20)
        event = mock.Mock()
        event.query.side_effect = [False, False, False, True]
        first = next(loader)
        first.release_after(event)
        self.assertRaises(ReleasedError, first.release_after, event)
        second = next(loader).keep()
        self.assertEqual(2, standin.count("objects_out"))
        self.assertEqual(b"\2", next(loader).tobytes())
        self.assertEqual(4, event.query.call_count)
        self.assertEqual(b"\1", second.tobytes())

    def test_event_that_passes_before_the_view_goes(self) -> None:
        loader = load("size/1", "size/1", "size/1")
        event = mock.Mock()
        first = next(loader)
        view = first.view("u1")
        first.release_after(event)
        next(loader)
        event.query.assert_not_called()
        del view
        next(loader)
        event.query.assert_called_once_with()

    def test_window_that_is_full_waits_for_another_thread(self) -> None:
        loader = load("size/1", "size/1", window=PAGE, timeout=20)
        kept = [next(loader).keep()]
        later(0.05, kept.clear)
        begin = time.monotonic()
        self.assertEqual(b"\1", next(loader).tobytes())
        self.assertLess(time.monotonic() - begin, 10)

    def test_window_that_is_full_for_ever(self) -> None:
        loader = load("size/1", "size/1", window=PAGE, timeout=0.05)
        kept = next(loader).keep()
        self.assertRaisesRegex(TimeoutError, "no room in the window", next, loader)
        kept.release()
        self.assertEqual(1, next(loader).number)


class FailureTest(standin.StandinTest):
    """Objects that cannot be fetched."""

    def test_raise(self) -> None:
        loader = load("size/1", "fail", "size/2")
        next(loader)
        with self.assertRaises(DevmemError) as caught:
            next(loader)
        error = caught.exception
        self.assertEqual(("fail", 1, -2, 2), (error.url, error.number, error.code, error.errno))
        self.assertEqual("fail: the server has no such object: see its log", str(error))
        self.assertEqual("size/2", next(loader).url)
        self.assertRaises(StopIteration, next, loader)

    def test_yield(self) -> None:
        with load("fail", "size/2", "fail", on_error="yield") as loader:
            objects = [(obj.url, obj.number, obj.error is None) for obj in loader]
        self.assertEqual([("fail", 0, False), ("size/2", 1, True), ("fail", 2, False)], objects)

    def test_failed_object_raises_its_error(self) -> None:
        obj = next(load("fail", on_error="yield"))
        self.assertEqual("<devmem.Object 0 fail, failed>", repr(obj))
        for use in (obj.tobytes, obj.__dlpack__, lambda: obj.nbytes):
            self.assertRaisesRegex(DevmemError, "no such object", use)

    def test_skip(self) -> None:
        loader = load("fail", "size/2", "fail", "fail", "late/3", "fail", on_error="skip")
        self.assertEqual([2, 3], [obj.nbytes for obj in loader])


class InterruptTest(standin.StandinTest):
    """Ctrl-C, wherever it comes."""

    def test_while_waiting(self) -> None:
        loader = load("size/1", "never")
        next(loader)
        timer = later(0.05, lambda: os.kill(os.getpid(), signal.SIGINT))
        self.assertRaises(KeyboardInterrupt, next, loader)
        timer.join()

    def interrupted(self, *urls: str) -> Loader:
        """A loader whose first call of the C library is interrupted before Python has its
        result."""
        lib = _lib.http()
        real = lib.devmem_loader_next

        def interrupted(*args: Any) -> int:
            lib.devmem_loader_next = real
            real(*args)
            raise KeyboardInterrupt

        self.addCleanup(setattr, lib, "devmem_loader_next", real)
        lib.devmem_loader_next = interrupted
        loader = load(*urls)
        self.assertRaises(KeyboardInterrupt, next, loader)
        return loader

    def test_in_the_call_that_brought_an_object(self) -> None:
        self.assertEqual([0, 1], [obj.number for obj in self.interrupted("size/1", "size/1")])

    def test_in_the_call_that_brought_a_failure(self) -> None:
        loader = self.interrupted("fail", "size/1")
        self.assertRaisesRegex(DevmemError, "no such object", next, loader)
        self.assertEqual(1, next(loader).number)

    def test_in_the_call_that_brought_nothing(self) -> None:
        self.assertEqual([0, 1], [obj.number for obj in self.interrupted("late/1", "size/1")])

    def test_other_threads_run_while_it_waits(self) -> None:
        loader = load("never", timeout=0.2)
        times: List[float] = []
        timer = later(0.05, lambda: times.append(time.monotonic()))
        self.assertRaises(TimeoutError, next, loader)
        self.assertGreater(time.monotonic() - times[0], 0.05)
        timer.join()


class LifeTest(standin.StandinTest):
    """Who lives how long."""

    def test_close(self) -> None:
        loader = load("size/1", "size/1")
        obj = next(loader)
        loader.close()
        loader.close()
        self.assertTrue(obj.released)
        self.assertEqual(0, standin.count("clients"))
        self.assertRaisesRegex(ValueError, "closed", next, loader)

    def test_with_closes_whatever_holds_the_exception(self) -> None:
        try:
            with mock.patch.object(_lib.http(), "devmem_loader_next", side_effect=ValueError):
                with load("size/1") as loader:
                    next(loader)
        except ValueError as error:
            held = error  # with its traceback, which assertRaises() would clear
        self.assertIsNotNone(held.__traceback__)
        self.assertEqual((0, 0), (standin.count("loaders"), standin.count("clients")))
        self.assertEqual((0, 0), (standin.count("memories"), standin.count("exporters")))

    def test_kept_object_outlives_the_loader(self) -> None:
        with load("size/5", "size/1", exporter="dmvram") as loader:
            obj = next(loader).keep()
        self.assertEqual((0, 0), (standin.count("loaders"), standin.count("clients")))
        self.assertEqual((1, 1), (standin.count("memories"), standin.count("exporters")))
        self.assertEqual(bytes(5), obj.tobytes())

    def test_dropped_loader_is_closed(self) -> None:
        for obj in load("size/1", "size/1"):
            break
        self.assertEqual(0, standin.count("loaders"))
        self.assertEqual(b"\0", obj.tobytes())

    def test_shared_client(self) -> None:
        with Http(None, Exporter("host")) as http:
            for _ in range(2):
                with Loader(["size/3", "late/4"], http=http, window=4 * PAGE) as loader:
                    self.assertEqual([3, 4], [obj.nbytes for obj in loader])
                self.assertEqual(1, standin.count("clients"))

    def test_client_outlives_close_until_its_loaders_are_closed(self) -> None:
        http = Http(None, Exporter("host"))
        loader = Loader(["size/1", "late/2"], http=http, window=4 * PAGE)
        http.close()
        self.assertEqual([1, 2], [obj.nbytes for obj in loader])

    def test_window_of_ones_own(self) -> None:
        exporter = Exporter("host")
        window = exporter.alloc(4 * PAGE)
        with Http(None, exporter) as http:
            with Loader(["size/1", "size/1"], http=http, window=window) as loader:
                self.assertRaisesRegex(ValueError, "another loader's", Loader, [], http=http,
                                       window=window)
                view = next(loader).view("u1")
            self.assertEqual(window.address, view.address)
            self.assertRaisesRegex(ValueError, "in use", Loader, [], http=http, window=window)
            del view
            self.assertEqual([], list(Loader([], http=http, window=window)))

    def test_window_of_another_exporter(self) -> None:
        with Http(None, Exporter("host")) as http:
            window = Exporter("host").alloc(PAGE)
            self.assertRaisesRegex(ValueError, "another exporter", Loader, [], http=http,
                                   window=window)
